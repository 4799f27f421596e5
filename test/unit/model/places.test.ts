import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf } from "../../../src/model/places.ts";
import { columnsOf } from "../../support/world/columns.ts";

const columns = columnsOf(
  [
    { key: "a", value: "1", timestamp: 5 },
    { key: "b", value: "2", timestamp: 7 },
    { key: "c", value: "3", timestamp: 9, headers: "\x02\x02h\x02x" },
  ],
  40,
);
const at = { source: 0, partition: 0, columns };

test("rows without headers keep their offsets and times, and nothing else", () => {
  const [range] = placesOf([{ ...at, from: 0, to: 2 }]);
  assert.ok(range !== undefined);
  const { bytes, positions, offsets, timestamps } = range.columns;
  assert.deepEqual([bytes.length, positions.length], [0, 0]);
  assert.deepEqual([offsets[1], timestamps[1]], [41, 7]);
  assert.deepEqual([range.from, range.to], [0, 2]);
});

test("a range of which one row has headers stays as it is", () => {
  const [first, second] = placesOf([
    { ...at, from: 0, to: 1 },
    { ...at, from: 1, to: 3 },
  ]);
  assert.equal(first?.columns.bytes.length, 0);
  assert.equal(second?.columns, columns);
});
