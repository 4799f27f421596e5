#!/usr/bin/env bash
# Builds the conformance application and the examples into bin/.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
go build -o bin/ ./conformance ./examples/...
