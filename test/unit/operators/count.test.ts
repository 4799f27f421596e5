import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { HEADERS_END, HEADERS_POSITION, STRIDE } from "../../../src/model/columns.ts";
import { KeyTable } from "../../../src/model/key-table.ts";
import type { RowRange } from "../../../src/model/rows.ts";
import type { Operator } from "../../../src/model/topology.ts";
import { applyCount } from "../../../src/operators/count.ts";
import { planSlots } from "../../../src/operators/windows.ts";
import { type Row, rowsOf } from "./rows.ts";

const plain: Operator = { kind: "count", node: "n", store: 0, windows: null, takes: "valued" };
const windowed: Operator = {
  kind: "count",
  node: "n",
  store: 2,
  windows: { kind: "time", sizeMs: 10, advanceMs: 10, graceMs: 3 },
  takes: "keyed",
};

interface Output {
  readonly key: string;
  readonly value: bigint | undefined;
  readonly offset: number | undefined;
  readonly timestamp: number | undefined;
  readonly headers: string;
}

/** A task in small: a store, stream time, and the count run batch by batch. */
class Task {
  readonly store = new Map<string, Buffer>();
  readonly outputs: Output[] = [];
  streamTime = Number.NEGATIVE_INFINITY;
  readonly #operator: Operator;

  constructor(operator: Operator) {
    this.#operator = operator;
  }

  run(rows: readonly RowRange[]): void {
    const table = new KeyTable();
    const plan = planSlots(rows, this.#operator, this.streamTime, table);
    const { count, positions, bytes } = table.keys();
    const found = Array.from({ length: count }, (_, slot) => {
      const position = positions[slot * 2] ?? 0;
      const key = bytes.subarray(position, position + (positions[slot * 2 + 1] ?? 0));
      return this.store.get(key.toString("hex")) ?? null;
    });
    const applied = applyCount(rows, plan, table.keys(), found, this.#operator);
    assert.equal(applied.changes.store, this.#operator.store);
    for (const [i, key] of applied.changes.keys.entries()) {
      const value = applied.changes.values[i];
      assert.ok(value);
      this.store.set(key.toString("hex"), value);
    }
    this.streamTime = plan.streamTimeAfter;
    for (const range of applied.rows) this.outputs.push(...outputsOf(range));
  }
}

function outputsOf({ columns, from, to }: RowRange): Output[] {
  return Array.from({ length: to - from }, (_, i) => {
    const row = from + i;
    const at = row * STRIDE;
    const headers = columns.bytes.subarray(
      columns.positions[at + HEADERS_POSITION],
      columns.positions[at + HEADERS_END],
    );
    return {
      key: columns.key(row)?.toString("latin1") ?? "null",
      value: columns.value(row)?.readBigInt64BE(),
      offset: columns.offsets[row],
      timestamp: columns.timestamps[row],
      headers: headers.toString("latin1"),
    };
  });
}

/** Batches of `size` rows, each cut into two ranges, so that rows span ranges as well. */
function inBatches(rows: readonly Row[], size: number): RowRange[][] {
  const batches: RowRange[][] = [];
  for (let from = 0; from < rows.length; from += size) {
    const taken = rows.slice(from, from + size);
    const middle = Math.floor(taken.length / 2);
    batches.push([
      rowsOf(taken.slice(0, middle), from),
      rowsOf(taken.slice(middle), from + middle),
    ]);
  }
  return batches;
}

/** One record at a time, in words that could not be plainer: what every batch size must equal. */
function oneAtATime(rows: readonly Row[], { windows }: Operator): Output[] {
  const counts = new Map<string, bigint>();
  const outputs: Output[] = [];
  let streamTime = Number.NEGATIVE_INFINITY;
  for (const [offset, [key, timestamp = 0, value = "v", headers = "\0"]] of rows.entries()) {
    streamTime = Math.max(streamTime, timestamp);
    if (key === null || (windows === null && value === null)) continue;
    let counted = key;
    if (windows?.kind === "time") {
      const start = Math.floor(timestamp / windows.sizeMs) * windows.sizeMs;
      if (start + windows.sizeMs + windows.graceMs <= streamTime) continue;
      const suffix = Buffer.alloc(8);
      suffix.writeBigInt64BE(BigInt(start));
      counted += suffix.toString("latin1");
    }
    const count = (counts.get(counted) ?? 0n) + 1n;
    counts.set(counted, count);
    outputs.push({ key: counted, value: count, offset, timestamp, headers });
  }
  return outputs;
}

const text = (...values: string[]): fc.Arbitrary<string | null> =>
  fc.option(fc.constantFrom(...values), { freq: 8, nil: null });
const row: fc.Arbitrary<Row> = fc.tuple(
  text("", "a", "b", "ab", "key"),
  fc.integer({ min: -60, max: 60 }),
  text("", "v"),
  fc.constantFrom("\0", "\u0002\u0002h\u0002x"),
);

describe("a count in batches of 1, 7 and 500 equals a count record by record", () => {
  for (const [name, operator] of [
    ["over all time", plain],
    ["in windows", windowed],
  ] as const) {
    it(name, () => {
      fc.assert(
        fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
          const expected = oneAtATime(rows, operator);
          for (const size of [1, 7, 500]) {
            const task = new Task(operator);
            for (const batch of inBatches(rows, size)) task.run(batch);
            assert.deepEqual(task.outputs, expected);
            for (const { key, value } of expected)
              checkStored(task, operator, key, value, expected);
          }
        }),
      );
    });
  }
});

function checkStored(
  task: Task,
  operator: Operator,
  key: string,
  value: bigint | undefined,
  all: readonly Output[],
): void {
  if (all.findLast((output) => output.key === key)?.value !== value) return;
  const hex = Buffer.from(key, "latin1").toString("hex");
  const stored = task.store.get(operator.windows === null ? hex : `${hex}00000000`);
  assert.equal(stored?.readBigInt64BE(), value);
}

describe("a count", () => {
  it("goes on above 2^32", () => {
    const task = new Task(plain);
    const before = Buffer.alloc(8);
    before.writeBigInt64BE(2n ** 32n - 1n);
    task.store.set(Buffer.from("a").toString("hex"), before);
    task.run([rowsOf([["a"], ["a"]])]);
    assert.deepEqual(
      task.outputs.map(({ value }) => value),
      [2n ** 32n, 2n ** 32n + 1n],
    );
  });

  it("of rows that are all late forwards nothing and changes nothing", () => {
    const task = new Task(windowed);
    task.streamTime = 1_000;
    task.run([rowsOf([["a", 3]])]);
    assert.deepEqual(task.outputs, []);
    assert.equal(task.store.size, 0);
  });

  it("refuses a stored value that is no count", () => {
    const task = new Task(plain);
    task.store.set(Buffer.from("a").toString("hex"), Buffer.from("seven"));
    assert.throws(
      () => task.run([rowsOf([["a"]])]),
      (error) => error instanceof OutriggerError && error.code === "STORE_CORRUPTED",
    );
  });
});
