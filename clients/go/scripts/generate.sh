#!/usr/bin/env bash
# Generates the protobuf code of internal/gen from proto/.
set -euo pipefail
cd "$(dirname "$0")/.."
exec ../../node_modules/.bin/buf generate
