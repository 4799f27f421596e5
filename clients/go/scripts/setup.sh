#!/usr/bin/env bash
# Builds the conformance application and the examples into bin/.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
# With -trimpath, what was compiled here serves wherever else the same sources are compiled.
go build -trimpath -o bin/ ./conformance ./examples/...
