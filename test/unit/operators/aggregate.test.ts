import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { NumberType, Operator } from "../../../src/model/topology.ts";
import { malformedRow } from "../../../src/operators/aggregate.ts";
import { decode, encode, folded, type Output } from "./naive.ts";
import { inBatches, type Row, rowsOf } from "./rows.ts";
import { Task } from "./task.ts";

const plain: Operator = { kind: "count", node: "n", store: 0, windows: null, takes: "valued" };
const tumbling: Operator = {
  kind: "count",
  node: "n",
  store: 2,
  windows: { kind: "time", sizeMs: 10, advanceMs: 10, graceMs: 3 },
  takes: "keyed",
};
const hopping: Operator = {
  ...tumbling,
  windows: { kind: "time", sizeMs: 10, advanceMs: 3, graceMs: 4 },
};

/** One record at a time, in words that could not be plainer: what every batch size must equal. */
function oneAtATime(rows: readonly Row[], { windows, kind, number, takes }: Operator): Output[] {
  const folds = new Map<string, bigint | number>();
  const outputs: Output[] = [];
  let streamTime = Number.NEGATIVE_INFINITY;
  for (const [offset, [key, timestamp = 0, value = "v", headers = "\0"]] of rows.entries()) {
    streamTime = Math.max(streamTime, timestamp);
    if (key === null || (takes === "valued" && value === null)) continue;
    for (const name of windows === null ? [key] : windowsOf(key, timestamp, streamTime, windows)) {
      const next = kind === "count" ? 1n : decode(value ?? "", number);
      const fold = folded(kind, number, folds.get(name), next);
      folds.set(name, fold);
      outputs.push({ key: name, value: encode(fold, number), offset, timestamp, headers });
    }
  }
  return outputs;
}

/** Every start is tried: the windows that hold the time, and have not closed. */
function windowsOf(
  key: string,
  timestamp: number,
  streamTime: number,
  windows: NonNullable<Operator["windows"]>,
): string[] {
  if (windows.kind !== "time") throw new Error("windows of time only");
  const names: string[] = [];
  const { sizeMs, advanceMs, graceMs } = windows;
  for (let start = -99 * advanceMs; start <= timestamp; start += advanceMs) {
    if (start + sizeMs <= timestamp || start + sizeMs + graceMs <= streamTime) continue;
    if (start < 0 && timestamp >= 0) continue;
    const suffix = Buffer.alloc(8);
    suffix.writeBigInt64BE(BigInt(start));
    names.push(key + suffix.toString("latin1"));
  }
  return names;
}

const text = (...values: string[]): fc.Arbitrary<string | null> =>
  fc.option(fc.constantFrom(...values), { freq: 8, nil: null });
const rowWith = (value: fc.Arbitrary<string | null>): fc.Arbitrary<Row> =>
  fc.tuple(
    text("", "a", "b", "ab", "key"),
    fc.integer({ min: -60, max: 60 }),
    value,
    fc.constantFrom("\0", "\u0002\u0002h\u0002x"),
  );

const longs = [0n, 1n, -1n, 2n ** 31n, 2n ** 32n, -(2n ** 32n), 2n ** 63n - 1n, -(2n ** 63n)];
const doubles = [0, -0, 1.5, -1e300, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 5e-324];
const VALUES: Readonly<Record<NumberType, fc.Arbitrary<string>>> = {
  int64: fc
    .oneof(fc.constantFrom(...longs), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    .map((value) => encode(value, "int64") ?? ""),
  float64: fc
    .oneof(fc.constantFrom(...doubles), fc.double())
    .map((value) => encode(value, "float64") ?? ""),
  int32: fc.oneof(fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer()).map((value) => {
    return encode(value, "int32") ?? "";
  }),
};

function checkEverySize(operator: Operator, value: fc.Arbitrary<string | null>): void {
  fc.assert(
    fc.property(fc.array(rowWith(value), { maxLength: 60 }), (rows) => {
      const expected = oneAtATime(rows, operator);
      for (const size of [1, 7, 500]) {
        const task = new Task(operator);
        for (const batch of inBatches(rows, size)) task.run(batch);
        assert.deepEqual(task.outputs, expected);
        for (const { key, value: last } of lastOf(expected)) {
          const hex = Buffer.from(key, "latin1").toString("hex");
          const stored = task.store.get(operator.windows === null ? hex : `${hex}00000000`);
          assert.equal(stored?.toString("latin1"), last);
        }
      }
    }),
  );
}

function lastOf(outputs: readonly Output[]): Iterable<Output> {
  return new Map(outputs.map((output) => [output.key, output])).values();
}

const shapes = [
  ["over all time", plain],
  ["in tumbling windows", tumbling],
  ["in hopping windows", hopping],
] as const;

describe("in batches of 1, 7 and 500 it equals record by record", () => {
  for (const [name, operator] of shapes) {
    it(`a count ${name}`, () => checkEverySize(operator, text("", "v")));
    for (const kind of ["sum", "min", "max"] as const) {
      for (const number of ["int64", "float64", "int32"] as const) {
        it(`a ${kind} of ${number} ${name}`, () => {
          const value = fc.option(VALUES[number], { freq: 8, nil: null });
          checkEverySize({ ...operator, kind, number, takes: "valued" }, value);
        });
      }
    }
  }
});

describe("an aggregation", () => {
  it("counts on above 2^32", () => {
    const task = new Task(plain);
    task.store.set(hexOf("a"), Buffer.from(encode(2n ** 32n - 1n, "int64") ?? "", "latin1"));
    task.run([rowsOf([["a"], ["a"]])]);
    assert.deepEqual(
      task.outputs.map(({ value }) => decode(value ?? "", "int64")),
      [2n ** 32n, 2n ** 32n + 1n],
    );
  });

  it("of int64 wraps as Java's long, and is exact where doubles are not", () => {
    const task = new Task({ ...plain, kind: "sum", number: "int64" });
    const max = encode(2n ** 63n - 1n, "int64");
    const one = encode(1n, "int64");
    task.run([
      rowsOf([
        ["a", 0, max],
        ["a", 0, one],
        ["b", 0, max],
        ["b", 0, encode(-1n, "int64")],
      ]),
    ]);
    assert.deepEqual(
      task.outputs.map(({ value }) => decode(value ?? "", "int64")),
      [2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 63n - 2n],
    );
  });

  it("of rows that are all late forwards nothing and changes nothing", () => {
    const task = new Task(tumbling);
    task.streamTime = 1_000;
    task.run([rowsOf([["a", 3]])]);
    assert.deepEqual(task.outputs, []);
    assert.equal(task.store.size, 0);
  });

  it("refuses a stored value that is none of its own", () => {
    const task = new Task(plain);
    task.store.set(hexOf("a"), Buffer.from("seven"));
    assert.throws(
      () => task.run([rowsOf([["a"]])]),
      (error) => error instanceof OutriggerError && error.code === "STORE_CORRUPTED",
    );
  });

  it("names the first row whose value has another length; a null is no fault", () => {
    const sum: Operator = { ...plain, kind: "sum", number: "int32" };
    const ranges = [
      rowsOf([
        ["a", 0, "four"],
        ["a", 0, null],
      ]),
      rowsOf([
        ["a", 0, "four"],
        ["a", 0, "eightaaa"],
        ["a", 0, ""],
      ]),
    ];
    assert.deepEqual(malformedRow(ranges, sum), { row: 3, length: 8, width: 4 });
    assert.equal(malformedRow(ranges, plain), null);
    assert.equal(malformedRow(ranges.slice(0, 1), sum), null);
  });
});

function hexOf(key: string): string {
  return Buffer.from(key).toString("hex");
}
