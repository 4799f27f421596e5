// `npm run check`: format, lint, types, generated code, layers, unit and golden tests. It is bound by the
// processor: what it runs, it runs side by side, the longest first, and few processes of many tests each.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { add, closingLine, runTests } from "./run-tests.mjs";
import { ensureInstalled, ROOT } from "./setup.mjs";

/** One more than there are processors: those of `test/unit/kafka` wait for sockets more than they work. */
const AT_ONCE = availableParallelism() + 1;

/** Resolves with the exit code, and says everything in one piece. */
function run(command, args) {
  const bin = join(ROOT, "node_modules", ".bin", command);
  const child = spawn(bin, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      said += text;
    });
  }
  return new Promise((resolve) =>
    child.on("close", (code) => {
      if (code !== 0) process.stdout.write(`\n${said}`);
      resolve(code ?? 1);
    }),
  );
}

/** Generates anew beside the tree and compares: never trusts that somebody remembered to. */
async function generatedIsFresh() {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-gen-"));
  try {
    const code = await run("buf", ["generate", "--output", folder]);
    if (code !== 0) return code;
    for (const target of ["src/gen", "clients/typescript/src/gen"]) {
      for (const entry of readdirSync(join(folder, target), { recursive: true })) {
        const file = join(target, String(entry));
        if (!file.endsWith(".ts")) continue;
        const fresh = readFileSync(join(folder, file), "utf8");
        if (fresh === readFileSync(join(ROOT, file), "utf8")) continue;
        process.stdout.write(`${file} is not what proto/ generates: run \`npm run generate\`\n`);
        return 1;
      }
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function proto() {
  return (
    (await run("buf", ["lint"])) ||
    (await run("buf", ["format", "--diff", "--exit-code"])) ||
    (await run("buf", ["breaking", "--against", "test/golden/protocol-v1.binpb"]))
  );
}

/** What was compiled before is not looked at again. */
const TYPES = [
  "-p",
  "tsconfig.json",
  "--incremental",
  "--tsBuildInfoFile",
  "dist/.check.tsbuildinfo",
];

function step(work) {
  return async () => {
    const code = await work();
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  };
}

function tests(...folders) {
  return () => runTests(folders, { reporter: "dot", together: true });
}

const APART = ["cli", "docs", "kafka", "server", "stores"].map((name) => `test/unit/${name}`);
const others = readdirSync(join(ROOT, "test/unit"))
  .map((name) => `test/unit/${name}`)
  .filter((folder) => !APART.includes(folder));
// Those in `driver` start processes, and are among the integration tests.
const sdk = readdirSync(join(ROOT, "clients/typescript/test"))
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => `clients/typescript/test/${name}`);

/** The longest first. */
const jobs = [
  ["tests of the Kafka client", tests("test/unit/kafka")],
  ["tests of layers, runtime and the rest", tests("test/tidy", "test/golden", ...others)],
  ["tests of cli, server and stores", tests(...APART.filter((name) => !name.endsWith("kafka")))],
  ["types", step(() => run("tsc", TYPES))],
  ["tests of the SDK", tests(...sdk)],
  ["format and lint", step(() => run("biome", ["ci", "--error-on-warnings"]))],
  ["unused code", step(() => run("knip", ["--no-progress"]))],
  ["generated code", step(generatedIsFresh)],
  ["proto", step(proto)],
];

ensureInstalled();
const startedAt = performance.now();
const secondsSince = (at) => ((performance.now() - at) / 1_000).toFixed(1);
let sums = { passed: 0, failed: 0, skipped: 0 };

async function work() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const [name, begin] = job;
    const at = performance.now();
    const result = await begin();
    process.stdout.write(
      `\n${result.failed === 0 ? "ok  " : "FAIL"} ${name} (${secondsSince(at)} s)\n`,
    );
    sums = add(sums, result);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
process.stdout.write(`check took ${secondsSince(startedAt)} s\n`);
process.stdout.write(`${closingLine(sums)}\n`);
process.exit(sums.failed > 0 ? 1 : 0);
