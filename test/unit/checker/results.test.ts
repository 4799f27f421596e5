import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { boundOf, published, type Result, sumsOf } from "../../checker/results.ts";

const DOCS = new URL("../../../docs/", import.meta.url);
const page = readFileSync(new URL("guarantees.md", DOCS), "utf8");
const result: Result = {
  suite: "chaos",
  passed: 40,
  failed: 0,
  skipped: 1,
  date: "2026-01-31",
  commit: "abc1234",
};

test("the page says what was recorded, and nothing else", () => {
  const recorded = JSON.parse(readFileSync(new URL("results.json", DOCS), "utf8")) as Result[];
  assert.equal(published(page, recorded), page, "fill it by npm run guarantees:record");
});

test("none of n is said as at most 3/n; failures and suites that sample nothing have no bound", () => {
  assert.equal(boundOf("chaos", result), "≤ 3/40 (7.5 %)");
  assert.equal(boundOf("chaos", { ...result, passed: 1 }), "≤ 3/1 (100 %)");
  assert.equal(boundOf("chaos", { ...result, failed: 1 }), "");
  assert.equal(boundOf("mutants", result), "");
  const line = published(page, [result])
    .split("\n")
    .find((each) => each.includes("abc1234"));
  assert.ok(line?.includes("| 40, 1 skipped | 0 | ≤ 3/40 (7.5 %) | 2026-01-31, `abc1234` |"), line);
});

test("a suite is recorded by the last line of what it said, or not at all", () => {
  assert.deepEqual(sumsOf("ok\n3 passed, 1 failed\n"), { passed: 3, failed: 1, skipped: 0 });
  assert.equal(sumsOf("3 passed, 0 failed, 2 skipped").skipped, 2);
  assert.throws(() => sumsOf("3 passed, 0 failed\nand then it broke"), /no last line of a suite/);
});
