// Finds and runs test files, one process each, and sums what they say: Node 20 has no globs.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./setup.mjs";

/** A file that does not end fails, and the others go on. */
const FILE_TIMEOUT_MS = 600_000;
/** One process of many files that says nothing for so long is ended: a test that failed may leave it open. */
const SILENCE_MAX_MS = 90_000;

function find(path, suffix) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => {
      const at = join(path, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" ? [] : find(at, suffix);
      return entry.name.endsWith(suffix) ? [at] : [];
    })
    .sort();
}

/**
 * Runs every test under `folders`; resolves with the sums. `together` puts them into one process,
 * which saves the start of one per file: for tests that share nothing and kill nothing.
 */
export async function runTests(
  folders,
  { concurrency = 1, reporter = "spec", together = false, suffix = ".test.ts" },
) {
  const files = folders.flatMap((folder) => find(join(ROOT, folder), suffix));
  const base = ["--import", "tsx", "--conditions=@outrigger/source"];
  const each = [
    ...base,
    "--test",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    // A client that a test watches with may go on connecting to a broker that is gone.
    "--test-force-exit",
  ];
  const reporters = [
    `--test-reporter=${reporter}`,
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    "--test-reporter-destination=stderr",
  ];
  const imports = files.map((file) => `await import(${JSON.stringify(pathToFileURL(file).href)});`);
  const one = ["--input-type=module", "-e", imports.join("\n")];
  const args = together ? [...base, ...reporters, ...one] : [...each, ...reporters, ...files];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "pipe"],
  });
  const silence = setTimeout(() => child.kill("SIGKILL"), SILENCE_MAX_MS);
  if (!together) clearTimeout(silence);
  const sums = { passed: 0, failed: 0, skipped: 0 };
  const broken = [];
  let rest = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text) => {
    if (together) silence.refresh();
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("not ok")) broken.push(line);
      const [, name, count] = /^# (pass|fail|skipped) (\d+)$/.exec(line) ?? [];
      if (name === "pass") sums.passed += Number(count);
      if (name === "fail") sums.failed += Number(count);
      if (name === "skipped") sums.skipped += Number(count);
    }
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(silence);
  if (code === null)
    process.stdout.write("\nthe process of the tests did not end, and was ended\n");
  if (code !== 0 && sums.failed === 0) sums.failed = 1;
  // A process that ends of itself may do so before its reporter has said which.
  for (const line of broken) process.stdout.write(`\n${line}`);
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
