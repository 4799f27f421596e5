#!/usr/bin/env bash
# Builds the SDK, its tests, its examples and its conformance application, with the libraries that they
# need beside them in target/lib. Does nothing where that was done already.
set -euo pipefail
cd "$(dirname "$0")/.."

built=target/.built
if [ -f "$built" ] && [ -z "$(find pom.xml src examples conformance -newer "$built" -print -quit)" ]; then
  exit 0
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Offline first: a registry is asked only for what the local repository lacks.
mvn -q -B -o -DskipTests package > "$log" 2>&1 || mvn -q -B -DskipTests package > "$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
touch "$built"
