// `npm test`: set-up, check, then the integration tests on the brokers that this machine can run.
import { spawnSync } from "node:child_process";
import { add, closingLine, runTests } from "./run-tests.mjs";
import { ensureBuilt, ensureInstalled, ROOT } from "./setup.mjs";

const only = process.argv.includes("--integration");

function sumsOf(output) {
  const lines = output.trimEnd().split("\n");
  const [, passed, failed, skipped] =
    /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(lines.at(-1) ?? "") ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped ?? 0) };
}

function check() {
  const flags = ["scripts/check.mjs"];
  const stdio = ["ignore", "pipe", "inherit"];
  const result = spawnSync(process.execPath, flags, { cwd: ROOT, stdio, encoding: "utf8" });
  process.stdout.write(result.stdout);
  return sumsOf(result.stdout);
}

ensureInstalled();
ensureBuilt();
let sums = { passed: 0, failed: 0, skipped: 0 };
if (!only) sums = add(sums, check());
sums = add(sums, await runTests(["test/integration"], { concurrency: 1 }));
process.stdout.write(`${closingLine(sums)}\n`);
process.exit(sums.failed > 0 ? 1 : 0);
