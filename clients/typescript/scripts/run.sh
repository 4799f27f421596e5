#!/usr/bin/env bash
# Runs the conformance application or an example, compiled: run.sh <conformance|quickstart|…>
set -euo pipefail
cd "$(dirname "$0")/../../.."
case "$1" in
  conformance) exec node dist/clients/typescript/conformance/main.js ;;
  *) exec node "dist/clients/typescript/examples/$1.js" ;;
esac
