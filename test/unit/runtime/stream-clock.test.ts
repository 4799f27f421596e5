import assert from "node:assert/strict";
import { test } from "node:test";
import type { RowRange } from "../../../src/model/rows.ts";
import { rowsBehind } from "../../../src/runtime/row-parts.ts";
import { timesBefore, timesOf } from "../../../src/runtime/stream-clock.ts";
import { rowsOf } from "../operators/rows.ts";

/** A task's time was 50 before these. */
const INPUT = rowsOf([
  ["a", 100],
  ["a", 1_500],
  ["a", 1_050],
  ["a", 3_000],
]);
const BEFORE_MS = 50;
const AFTER_MS = 3_000;

/** One row of the first record, none of the second, two of the third, one of the last. */
const DERIVED = derived([0, 2, 2, 3]);

function derived(offsets: readonly number[]): RowRange {
  const range = rowsOf(offsets.map(() => ["a", 0]));
  for (const [row, offset] of offsets.entries()) range.columns.offsets[row] = offset;
  return range;
}

const before = (rows: readonly RowRange[]): number[] => [
  ...timesBefore(rows, INPUT, BEFORE_MS, AFTER_MS),
];

test("a derived row sees the time of its record, with what was dropped before it", () => {
  const times = timesOf([DERIVED], INPUT, BEFORE_MS, AFTER_MS);
  assert.deepEqual([...times], [100, 1_500, 1_500, 3_000]);
});

test("before a row is before its record; a further row of the record comes after it", () => {
  assert.deepEqual(before([DERIVED]), [50, 1_500, 1_500, 1_500]);
  assert.deepEqual(before([derived([0, 0, 3])]), [50, 100, 1_500]);
});

test("a part of the rows sees what the whole does, wherever it begins", () => {
  const rows = derived([0, 0, 1, 3]);
  const whole = before([rows]);
  assert.deepEqual(whole, [50, 100, 100, 1_500]);
  for (let from = 1; from < 4; from++) {
    assert.deepEqual(before(rowsBehind([rows], from)), whole.slice(from), `from ${from}`);
    const ranges = [
      { ...rows, to: from },
      { ...rows, from },
    ];
    assert.deepEqual(before(ranges), whole, `cut at ${from}`);
  }
});
