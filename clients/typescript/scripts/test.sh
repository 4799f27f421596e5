#!/usr/bin/env bash
# Unit tests; format, lint and types are those of `npm run check`.
set -euo pipefail
cd "$(dirname "$0")/../../.."
exec node -e 'import("./scripts/run-tests.mjs").then(async ({ runTests, closingLine }) => {
  const sums = await runTests(["clients/typescript/test"], { reporter: "dot" });
  console.log(closingLine(sums));
  process.exitCode = sums.failed > 0 ? 1 : 0;
})'
