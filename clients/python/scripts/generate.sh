#!/usr/bin/env bash
# Generates the protobuf code of src/outrigger/gen from proto/. The compiler is older than the runtime
# that is tested with: generated code runs with its own major version and the next.
set -euo pipefail
cd "$(dirname "$0")/.."
out=src/outrigger/gen
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q grpcio-tools==1.76.0
proto=(../../proto/outrigger/v1/*.proto)
"$scratch/venv/bin/python" -m grpc_tools.protoc -I ../../proto \
  --python_out="$scratch" --pyi_out="$scratch" "${proto[@]}"
rm -rf "$out"
mkdir -p "$out"
for file in "$scratch"/outrigger/v1/*; do
  sed 's/from outrigger\.v1 import/from outrigger.gen import/' "$file" > "$out/$(basename "$file")"
done
touch "$out/__init__.py"
node ../../scripts/proto-fingerprint.mjs > "$out/PROTO_SHA256"
