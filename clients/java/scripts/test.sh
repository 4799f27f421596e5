#!/usr/bin/env bash
# Unit tests, and what the compiler has to say, which is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
# The test driver's process: the sidecar as the repository builds it (`npm run build`).
export OUTRIGGER_BIN="${OUTRIGGER_BIN:-$PWD/../../dist/src/main.js}"
rm -rf target/surefire-reports
out="$(mvn -q -B test 2>&1)" || { echo "$out"; failed=1; }
count() { cat target/surefire-reports/TEST-*.xml 2> /dev/null | grep -c "$1" || true; }
all="$(count '<testcase ')"
bad="$(count '<\(failure\|error\)[ >]')"
# A build that failed before its first test has failed once.
if [ -n "${failed:-}" ] && [ "$bad" = 0 ]; then bad=1 all=$((all + 1)); fi
echo "$((all - bad)) passed, $bad failed"
[ "$bad" = 0 ]
