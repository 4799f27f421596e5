#!/usr/bin/env bash
# Runs the conformance application or an example: run.sh <conformance|quickstart|…>
set -euo pipefail
exec "$(dirname "$0")/../bin/$1"
