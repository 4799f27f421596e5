// Finds and runs test files, one process each, and sums what they say: Node 20 has no globs.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./setup.mjs";

function find(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => {
      const at = join(path, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" ? [] : find(at);
      return entry.name.endsWith(".test.ts") ? [at] : [];
    })
    .sort();
}

/** Runs every test under `folders`; resolves with the sums. */
export async function runTests(folders, { concurrency, reporter = "spec" }) {
  const files = folders.flatMap((folder) => find(join(ROOT, folder)));
  const flags = [
    "--import",
    "tsx",
    "--conditions=@outrigger/source",
    "--test",
    `--test-concurrency=${concurrency}`,
  ];
  const reporters = [
    `--test-reporter=${reporter}`,
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    "--test-reporter-destination=stderr",
  ];
  const child = spawn(process.execPath, [...flags, ...reporters, ...files], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "pipe"],
  });
  const sums = { passed: 0, failed: 0, skipped: 0 };
  let rest = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, name, count] = /^# (pass|fail|skipped) (\d+)$/.exec(line) ?? [];
      if (name === "pass") sums.passed += Number(count);
      if (name === "fail") sums.failed += Number(count);
      if (name === "skipped") sums.skipped += Number(count);
    }
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0 && sums.failed === 0) sums.failed = 1;
  return sums;
}

export function add(a, b) {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
