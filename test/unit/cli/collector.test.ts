import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { growth, leastOf } from "../../../src/cli/collector.ts";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";

const MB = 1024 * 1024;

test("garbage may grow by a fixed amount, whatever lives", () => {
  assert.equal(growth(7 * MB), 400);
  assert.equal(growth(28 * MB), 100);
  assert.equal(growth(56 * MB), 50);
  assert.equal(growth(1_000 * MB), 0, "a large state is left to V8");
});

test("what lives is the least that was seen, and is followed where it grows", () => {
  let least = Number.POSITIVE_INFINITY;
  for (const used of [90, 50, 120, 100]) least = leastOf(least, used * MB);
  assert.ok(least > 50 * MB && least < 52 * MB);
  for (let i = 0; i < 200; i++) least = leastOf(least, 200 * MB);
  assert.equal(least, 200 * MB);
});

test("V8 knows what it is told, and a code cache is written under the flags of a start", () => {
  const script = `
    import assert from "node:assert/strict";
    import { cachedDataVersionTag } from "node:v8";
    import { asAtStart, letHeapGrow } from "./src/cli/collector.ts";
    const atStart = cachedDataVersionTag();
    letHeapGrow();
    assert.notEqual(cachedDataVersionTag(), atStart);
    asAtStart(() => assert.equal(cachedDataVersionTag(), atStart));`;
  const flags = ["--import", "tsx", "--input-type=module", "--eval", script];
  const run = spawnSync(process.execPath, flags, { cwd: REPOSITORY_ROOT, encoding: "utf8" });
  // It says so of a flag that it does not know, and goes on.
  assert.equal(run.stdout + run.stderr, "");
  assert.equal(run.status, 0);
});
