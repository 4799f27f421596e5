import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Operator, SlidingWindows } from "../../../src/model/topology.ts";
import { decode, encode } from "./naive.ts";
import { inBatches, type Row, rowsOf } from "./rows.ts";
import { Task } from "./task.ts";

const operatorWith = (differenceMs: number, graceMs: number): Operator => {
  const windows: SlidingWindows = { kind: "sliding", differenceMs, graceMs };
  return { kind: "sum", node: "n", store: 0, windows, takes: "valued", isTimestamped: true };
};

const row: fc.Arbitrary<Row> = fc.tuple(
  fc.option(fc.constantFrom("", "a", "b", "ab"), { freq: 12, nil: null }),
  fc.integer({ min: 0, max: 60 }),
  fc.option(
    fc.bigInt({ min: -9n, max: 9n }).map((value) => encode(value)),
    { freq: 9, nil: null },
  ),
  fc.constantFrom("\0", "\u0002\u0002h\u0002x"),
);

function run(rows: readonly Row[], operator: Operator, size: number): Task {
  const task = new Task(operator);
  for (const batch of inBatches(rows, size)) task.run(batch);
  return task;
}

/** What the windows hold in the end: by key and start, the sum and the latest time. */
function held(task: Task): Map<string, string> {
  return new Map(
    [...task.store].map(([hex, value]) => {
      const key = Buffer.from(hex, "hex");
      const name = `${key.subarray(0, -12)}@${key.readBigInt64BE(key.length - 12)}`;
      return [name, `${value.readBigInt64BE(8)} until ${value.readBigInt64BE(0)}`];
    }),
  );
}

/** KIP-450 in its own words: a window ends with each record, and begins behind it where something follows. */
function expected(rows: readonly Row[], differenceMs: number): Map<string, string> {
  const records = rows.flatMap(([key, time = 0, value = null]) => {
    return key === null || value === null ? [] : [{ key, time, value: BigInt(decode(value)) }];
  });
  const found = new Map<string, string>();
  for (const { key, time } of records) {
    for (const start of [Math.max(0, time - differenceMs), time + 1]) {
      const own = records.filter((one) => {
        return one.key === key && one.time >= start && one.time <= start + differenceMs;
      });
      if (own.length === 0) continue;
      const sum = own.reduce((total, one) => total + one.value, 0n);
      const latest = Math.max(...own.map((one) => one.time));
      found.set(`${key}@${start}`, `${sum} until ${latest}`);
    }
  }
  return found;
}

describe("sliding windows", () => {
  it("hold what KIP-450 says, in whatever order it comes, where nothing is late", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 0, max: 12 }), (rows, ms) => {
        const task = run(rows, operatorWith(ms, 1_000), 7);
        assert.deepEqual([...held(task)].toSorted(), [...expected(rows, ms)].toSorted());
      }),
      { numRuns: 1_000 },
    );
  });

  it("are the same for any cut into batches, late records included", () => {
    const differences = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), differences, fc.nat(9), (rows, ms, grace) => {
        const operator = operatorWith(ms, grace);
        const one = run(rows, operator, 1);
        for (const size of [3, 7, 500]) {
          const task = run(rows, operator, size);
          assert.deepEqual(task.outputs, one.outputs);
          assert.deepEqual(held(task), held(one));
          assert.equal(task.dropped, one.dropped);
        }
      }),
    );
  });

  it("are forwarded in Kafka Streams' order, with the latest time of the window", () => {
    const task = new Task({ ...operatorWith(10, 100), kind: "count" });
    task.run([
      rowsOf([
        ["a", 20],
        ["a", 26],
        ["a", 23],
        ["a", 4],
      ]),
    ]);
    const said = task.outputs.map(({ key, value, timestamp }) => {
      const start = Buffer.from(key, "latin1").readBigInt64BE(1);
      return `${start}=${decode(value ?? "")} @${timestamp}`;
    });
    assert.deepEqual(said, [
      "10=1 @20",
      // First the one behind the record before it, then the one that ends with it.
      "21=1 @26",
      "16=2 @26",
      // What exists, from the latest; the one that ends with it; the one behind it, with what came later.
      "21=2 @26",
      "16=3 @26",
      "13=2 @23",
      "24=1 @26",
      // Before the difference has passed there is one window from 1970 on.
      "0=1 @4",
    ]);
  });

  it("drop a record whose last window has closed, and one of before 1970", () => {
    const task = new Task(operatorWith(10, 5));
    const one = encode(1n);
    task.run([
      rowsOf([
        ["a", 100, one],
        ["a", 84, one],
        ["a", 85, one],
        ["a", -1, one],
      ]),
    ]);
    assert.deepEqual(
      task.outputs.map(({ offset }) => offset),
      [0],
    );
    assert.equal(task.dropped, 2);
  });
});
