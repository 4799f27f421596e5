import assert from "node:assert/strict";
import { test } from "node:test";
import { expectedByDay, type Flight } from "../../../demo/flights.ts";
import { type OutputRecord, verifyCopy, verifyDepartures } from "../../../demo/verify.ts";

const flight = (origin: string, date: string, delay: number): Flight => ({
  date: `2001/01/${date} 10:00`,
  delay,
  distance: 100,
  origin,
  destination: "ORD",
});
const flights = [
  flight("DFW", "01", 10),
  flight("DFW", "01", 20),
  flight("DFW", "02", 5),
  flight("LAX", "01", -4),
];
const expected = expectedByDay(flights);

const record = (key: string, count: number, averageDelay: number): OutputRecord => ({
  partition: 0,
  key,
  value: JSON.stringify({ count, averageDelay }),
});
const right = [
  record("DFW 2001-01-01", 1, 10),
  record("LAX 2001-01-01", 1, -4),
  record("DFW 2001-01-01", 2, 15),
  record("DFW 2001-01-02", 1, 5),
];

/** What the demo's own judge says: lost, doubled, number of faults. */
function judge(output: readonly OutputRecord[]): number[] {
  const { lost, doubled, faults } = verifyDepartures(output, expected);
  return [lost, doubled, faults.length];
}

test("the demo's judge takes what the file says, by airport and day", () => {
  assert.deepEqual(judge(right), [0, 0, 0]);
  assert.equal(verifyDepartures(right, expected).windows, 3);
});

test("the demo's judge finds what is lost, doubled, out of order, wrong or invented", () => {
  assert.deepEqual(judge(right.slice(0, 3)), [1, 0, 2]);
  assert.deepEqual(judge([...right, record("DFW 2001-01-02", 1, 5)]), [0, 1, 1]);
  assert.deepEqual(judge(right.toReversed()), [0, 0, 2]);
  assert.deepEqual(judge(right.with(3, record("DFW 2001-01-02", 1, 6))), [0, 0, 1]);
  assert.deepEqual(judge([...right, record("SFO 2001-01-01", 1, 0)]), [0, 0, 1]);
  assert.ok(
    (judge(right.with(0, { partition: 0, key: "DFW 2001-01-01", value: null }))[0] ?? 0) > 0,
  );
});

test("the judge of the copy finds the same", () => {
  const copies = flights.map((one) => ({
    partition: 0,
    key: one.origin,
    value: JSON.stringify(one),
  }));
  const said = (output: readonly OutputRecord[]): number[] => {
    const { lost, doubled, faults } = verifyCopy(output, flights);
    return [lost, doubled, faults.length];
  };
  assert.deepEqual(said(copies), [0, 0, 0]);
  assert.deepEqual(said(copies.slice(1)), [1, 0, 1]);
  assert.deepEqual(said([...copies, ...copies.slice(3)]), [0, 1, 0]);
  assert.deepEqual(said(copies.toReversed()), [0, 0, 1]);
});
