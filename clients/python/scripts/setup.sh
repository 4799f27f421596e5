#!/usr/bin/env bash
# Makes .venv with the SDK and what its tests, examples and conformance application need.
set -euo pipefail
cd "$(dirname "$0")/.."
mark=.venv/.outrigger-installed
wanted="$(cat requirements-dev.txt pyproject.toml | cksum)"
[ -f "$mark" ] && [ "$(cat "$mark")" = "$wanted" ] && exit 0
rm -rf .venv
python3 -m venv .venv
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install -q -r requirements-dev.txt
.venv/bin/python -m pip install -q --no-build-isolation --no-deps -e .
printf '%s' "$wanted" > "$mark"
