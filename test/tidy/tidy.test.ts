import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as rules from "./rules.ts";

const ROOT = join(import.meta.dirname, "../..");
const { stdout } = spawnSync("git", ["ls-files", "-coz", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
});
const files = stdout.split("\0").filter((file) => file !== "" && existsSync(join(ROOT, file)));
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const isGenerated = (file: string): boolean => /(^|\/)gen\//.test(file);
const sources = files.filter((file) => /^src\/.*\.ts$/.test(file));
const written = files.filter(
  (file) => /\.(ts|mjs|js|go|py|java|sh|proto)$/.test(file) && !isGenerated(file),
);

function none(faults: readonly string[]): void {
  assert.deepEqual(faults, []);
}

describe("the repository keeps its rules", () => {
  test("there is something to look at", () => assert.ok(sources.length > 100));
  test("imports follow the arrows, and each package has one owner", () => {
    none(sources.flatMap((file) => rules.layerFaults(file, read(file))));
  });
  test("the core is pure", () => {
    none(sources.flatMap((file) => rules.purityFaults(file, read(file))));
  });
  test("lines and files are short", () => {
    const own = written.filter((file) => file !== "dev-broker/wasm_exec.js");
    none(own.flatMap((file) => rules.sizeFaults(file, read(file))));
  });
  test("nothing is left over, and nothing names a machine", () => {
    const own = written.filter((file) => file !== "dev-broker/wasm_exec.js");
    none(own.flatMap((file) => rules.leftOverFaults(file, read(file))));
  });
  test("pages have one title and links that lead somewhere", () => {
    const exists = (path: string): boolean => existsSync(join(ROOT, path));
    const pages = files.filter((file) => file.endsWith(".md"));
    none(pages.flatMap((file) => rules.markdownFaults(file, read(file), exists)));
  });
});

test("each decision has a number of its own, and its title says it", () => {
  const pages = files.filter((file) => file.startsWith("docs/adr/"));
  const numbers = pages.map((file) => /^docs\/adr\/(\d{4})-/.exec(file)?.[1] ?? file);
  assert.equal(new Set(numbers).size, pages.length, numbers.join(" "));
  for (const [index, page] of pages.entries()) {
    assert.ok(read(page).startsWith(`# ADR ${numbers[index]}: `), page);
  }
});

describe("each rule catches a planted fault", () => {
  test("arrows", () => {
    const source = 'import { a } from "../kafka/a.ts";\nimport snappy from "snappy";\n';
    assert.deepEqual(rules.layerFaults("src/tasks/x.ts", source), [
      "src/tasks/x.ts imports kafka",
      "src/tasks/x.ts imports snappy, which is for kafka alone",
    ]);
    assert.deepEqual(rules.layerFaults("src/kafka/fetch/x.ts", 'from "../network/a.ts"'), []);
    const dynamic = 'await import("../../stores/a.ts")';
    assert.equal(rules.layerFaults("src/server/deep/x.ts", dynamic).length, 1);
  });
  test("purity", () => {
    const source = "export async function f() { await g(); return Date.now(); }";
    assert.equal(rules.purityFaults("src/tasks/x.ts", source).length, 2);
    assert.deepEqual(rules.purityFaults("src/runtime/x.ts", source), []);
    assert.deepEqual(rules.purityFaults("src/tasks/x.ts", "// a Date of its own\n"), []);
  });
  test("sizes", () => {
    const long = `${"x".repeat(111)}\n${"\n".repeat(500)}`;
    assert.equal(rules.sizeFaults("a.ts", long).length, 2);
  });
  test("left-overs", () => {
    const planted = [`// ${"TO"}DO`, `test.${"on"}ly("x")`, `const a = "${"/wo"}rk/x";`];
    assert.equal(rules.leftOverFaults("a.ts", planted.join("\n")).length, 3);
  });
  test("pages", () => {
    const text = "# One\n\n# Two\n\n[a](b.md) [c](https://x.y) [d](#one)\n";
    assert.equal(rules.markdownFaults("docs/a.md", text, () => false).length, 2);
    const asked: string[] = [];
    rules.markdownFaults("docs/a.md", "# T\n[x](../README.md#y)", (path) => {
      asked.push(path);
      return true;
    });
    assert.deepEqual(asked, ["README.md"]);
  });
});
