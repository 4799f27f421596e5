#!/usr/bin/env bash
# Installs and builds the SDK, its examples and its conformance application.
set -euo pipefail
cd "$(dirname "$0")/../../.."
exec node -e 'import("./scripts/setup.mjs").then((s) => { s.ensureInstalled(); s.ensureBuilt(); })'
