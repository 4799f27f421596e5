#!/usr/bin/env bash
# What the SDK costs for each record, without IO: `rows.sh` prints a line for each kind, `rows.sh <kind>...`
# of those; `scripts/setup.sh` builds what it runs.
set -euo pipefail
target="$(cd "$(dirname "$0")/.." && pwd)/target"
exec java -Xms256m -Xmx1g -cp "$target/classes:$target/test-classes:$target/lib/*" io.outrigger.Rows "$@"
