import assert from "node:assert/strict";
import { test } from "node:test";
import { countRows } from "../../../src/runtime/batch.ts";
import { Pace } from "../../../src/runtime/pace.ts";
import { copyProgram, KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

test("batches grow as long as full ones are answered at once, up to the limit", () => {
  const pace = new Pace(2_000);
  assert.equal(pace.rows, 100);
  pace.answered(99, 1);
  assert.equal(pace.rows, 100, "one that was not full says nothing");
  for (const rows of [200, 400, 800, 1_600, 2_000, 2_000]) {
    pace.answered(pace.rows, 50);
    assert.equal(pace.rows, rows);
  }
  assert.equal(new Pace(7).rows, 7);
});

test("a slow application gets fewer rows at a time, one at least", () => {
  const pace = new Pace(500);
  // 15 ms a row: until a batch takes no longer than 100.
  const seen: number[] = [];
  for (let i = 0; i < 8; i++) {
    pace.answered(pace.rows, pace.rows * 15);
    seen.push(pace.rows);
  }
  assert.deepEqual(seen, [50, 25, 12, 6, 6, 6, 6, 6]);
  for (let i = 0; i < 4; i++) pace.answered(pace.rows, 1_000);
  assert.equal(pace.rows, 1);
  pace.answered(1, 51);
  assert.equal(pace.rows, 1);
});

test("one pause makes batches smaller once, however many were under way", () => {
  const pace = new Pace(2_000);
  for (let i = 0; i < 3; i++) pace.answered(pace.rows, 1);
  for (let i = 0; i < 4; i++) pace.answered(800, 300);
  assert.equal(pace.rows, 400);
  pace.answered(3, 300);
  assert.equal(pace.rows, 400, "a small one says nothing of a large one");
});

test("the batches of a task grow as it is answered", async () => {
  const limits = { ...testLimits, task: { ...testLimits.task, batchRecordsMax: 400 } };
  const echo: Handler = ({ key, value }) => ({ outputs: [[key ?? "", value ?? ""]] });
  const kernel = await KernelWorld.start(copyProgram, echo, undefined, limits);
  const values = Array.from({ length: 1_500 }, (_, i) => `k=${i}`);
  kernel.input(...values);
  await kernel.clock.until(() => kernel.outputs().length === values.length);
  assert.deepEqual(kernel.outputs(), values);
  const sizes = kernel.application.dispatched.map(({ batch }) => countRows(batch.rows));
  assert.equal(sizes[0], 100);
  const largest = Math.max(...sizes);
  assert.ok(largest > 200 && largest <= 400, `${sizes}`);
});
