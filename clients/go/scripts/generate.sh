#!/usr/bin/env bash
# Generates the protobuf code of internal/gen from proto/.
set -euo pipefail
cd "$(dirname "$0")/.."
../../node_modules/.bin/buf generate
node ../../scripts/proto-fingerprint.mjs > internal/gen/PROTO_SHA256
