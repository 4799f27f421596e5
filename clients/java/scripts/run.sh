#!/usr/bin/env bash
# Runs the conformance application or an example: run.sh <conformance|quickstart|word-count|...>
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
case "${1:-}" in
  conformance) main=io.outrigger.conformance.Conformance ;;
  quickstart) main=io.outrigger.examples.Quickstart ;;
  word-count) main=io.outrigger.examples.WordCount ;;
  deduplicate) main=io.outrigger.examples.Deduplicate ;;
  enrich) main=io.outrigger.examples.Enrich ;;
  flights) main=io.outrigger.examples.Flights ;;
  window-counts) main=io.outrigger.examples.WindowCounts ;;
  word-totals) main=io.outrigger.examples.WordTotals ;;
  visits) main=io.outrigger.examples.Visits ;;
  *) echo "there is neither conformance nor an example of the name '${1:-}'" >&2; exit 2 ;;
esac
# Quick to start rather than quickest in the long run: tests start it often.
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto \
  -cp "$here/target/classes:$here/target/test-classes:$here/target/lib/*" "$main"
