#!/usr/bin/env bash
# Format, vet and unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."
# The test driver's process: the sidecar as the repository builds it (`npm run build`).
export OUTRIGGER_BIN="${OUTRIGGER_BIN:-$PWD/../../dist/src/main.js}"
unformatted="$(gofmt -l .)"
[ -z "$unformatted" ] || { echo "not formatted, run gofmt -w: $unformatted"; exit 1; }
go vet ./...
out="$(go test -v -count=1 . ./outriggertest ./examples/... 2>&1)" || { echo "$out"; exit 1; }
(cd schemaregistry && go vet ./... && go test ./...)
echo "$(grep -c '^ *--- PASS' <<< "$out") passed, 0 failed"
