#!/usr/bin/env bash
# Format, lint, types and unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."
# The test driver's process: the sidecar as the repository builds it (`npm run build`).
export OUTRIGGER_BIN="${OUTRIGGER_BIN:-$PWD/../../dist/src/main.js}"
.venv/bin/ruff format -q --check .
.venv/bin/ruff check -q .
.venv/bin/mypy
said="$(.venv/bin/python -m pytest 2>&1)" || failed=1
echo "$said"
count() { { grep -o "[0-9]* $1" <<< "$(tail -n 1 <<< "$said")" || true; } | cut -d ' ' -f 1; }
bad="$(count failed)" errors="$(count error)" good="$(count passed)"
echo "${good:-0} passed, $((${bad:-0} + ${errors:-0})) failed"
[ -z "${failed:-}" ]
