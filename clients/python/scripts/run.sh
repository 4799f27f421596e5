#!/usr/bin/env bash
# Runs the conformance application or an example: run.sh <conformance|quickstart|…>
set -euo pipefail
cd "$(dirname "$0")/.."
case "$1" in
  conformance) exec .venv/bin/python conformance/main.py ;;
  *) exec .venv/bin/python "examples/${1//-/_}.py" ;;
esac
