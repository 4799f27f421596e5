#!/usr/bin/env bash
# Format, lint, types and unit tests.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff format -q --check .
.venv/bin/ruff check -q .
.venv/bin/mypy
.venv/bin/python -m pytest | tee .pytest_cache.log
counts="$(tail -n 1 .pytest_cache.log)"
rm -f .pytest_cache.log
echo "$(grep -o '[0-9]* passed' <<< "$counts"), 0 failed"
