// `npm run check`: format, lint, types, generated code, layers, unit and golden tests.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { add, closingLine, runTests } from "./run-tests.mjs";
import { ensureInstalled, ROOT, run } from "./setup.mjs";

const bin = (name) => join(ROOT, "node_modules", ".bin", name);

/** Generates anew beside the tree and compares: never trusts that somebody remembered to. */
function generatedIsFresh() {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-gen-"));
  try {
    const code = run(bin("buf"), ["generate", "--output", folder], { stdio: "inherit" });
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

const steps = [
  ["format and lint", () => run(bin("biome"), ["ci", "--error-on-warnings"])],
  ["types", () => run(bin("tsc"), ["-p", "tsconfig.json"])],
  [
    "proto",
    () =>
      run(bin("buf"), ["lint"]) ||
      run(bin("buf"), ["format", "--diff", "--exit-code"]) ||
      run(bin("buf"), ["breaking", "--against", "test/golden/protocol-v1.binpb"]),
  ],
  ["generated code", generatedIsFresh],
  ["unused code", () => run(bin("knip"), ["--no-progress"])],
];

ensureInstalled();
const startedAt = performance.now();
let sums = { passed: 0, failed: 0, skipped: 0 };
for (const [name, step] of steps) {
  const at = performance.now();
  const code = step();
  const seconds = ((performance.now() - at) / 1_000).toFixed(1);
  process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)\n`);
  sums = add(sums, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
}
const apart = ["cli", "docs", "server", "stores"].map((name) => `test/unit/${name}`);
const shared = readdirSync(join(ROOT, "test/unit"))
  .map((name) => `test/unit/${name}`)
  .filter((folder) => !apart.includes(folder));
const results = await Promise.all([
  runTests(["test/tidy", "test/golden", ...shared], { reporter: "dot", together: true }),
  runTests(apart, { reporter: "dot" }),
  runTests(["clients/typescript/test"], { reporter: "dot", together: true }),
]);
for (const result of results) sums = add(sums, result);
process.stdout.write(`check took ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
process.stdout.write(`${closingLine(sums)}\n`);
process.exit(sums.failed > 0 ? 1 : 0);
