import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../../../src/runtime/pace.ts";

test("batches grow as long as full ones are answered at once, up to the limit", () => {
  const pace = new Pace(2_000);
  assert.equal(pace.rows, 500);
  pace.answered(499, 1);
  assert.equal(pace.rows, 500, "one that was not full says nothing");
  for (const rows of [1_000, 2_000, 2_000]) {
    pace.answered(pace.rows, 50);
    assert.equal(pace.rows, rows);
  }
  assert.equal(new Pace(7).rows, 7);
});

test("a slow application gets fewer rows at a time, one at least", () => {
  const pace = new Pace(500);
  // 10 ms a row: until a batch takes no longer than 100.
  const seen: number[] = [];
  for (let i = 0; i < 8; i++) {
    pace.answered(pace.rows, pace.rows * 10);
    seen.push(pace.rows);
  }
  assert.deepEqual(seen, [250, 125, 62, 31, 15, 7, 7, 7]);
  for (let i = 0; i < 4; i++) pace.answered(pace.rows, 1_000);
  assert.equal(pace.rows, 1);
  pace.answered(1, 51);
  assert.equal(pace.rows, 1);
});

test("one pause makes batches smaller once, however many were under way", () => {
  const pace = new Pace(2_000);
  pace.answered(500, 1);
  pace.answered(1_000, 1);
  for (let i = 0; i < 4; i++) pace.answered(2_000, 300);
  assert.equal(pace.rows, 1_000);
  pace.answered(3, 300);
  assert.equal(pace.rows, 1_000, "a small one says nothing of a large one");
});
