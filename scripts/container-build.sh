#!/usr/bin/env bash
# The steps of the Dockerfile, so that they run without Docker too:
#   container-build.sh install | build | prune     in a folder that holds the tracked files
set -euo pipefail

case "${1:-}" in
  install)
    # Not `npm ci`: the lock file lacks the optional packages of platforms that it was not made on.
    npm install --no-save --no-fund --no-audit --loglevel=error
    ;;
  build)
    npm run --silent build
    ;;
  prune)
    npm prune --omit=dev --no-save --no-fund --no-audit --loglevel=error
    # The binding carries every platform, mobile ones included: 162 MB, of which one is needed.
    arch="$(node -p process.arch)"
    find node_modules/rocksdb-native/prebuilds -mindepth 1 -maxdepth 1 ! -name "linux-${arch}" \
      -exec rm -rf {} +
    # What only tests and the demo use.
    rm -rf dist/test dist/demo
    ;;
  *)
    echo "usage: container-build.sh install|build|prune" >&2
    exit 2
    ;;
esac
