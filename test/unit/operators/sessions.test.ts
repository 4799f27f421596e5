import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Operator, SessionWindows } from "../../../src/model/topology.ts";
import { decode, encode, folded, type Output } from "./naive.ts";
import { inBatches, type Row, rowsOf } from "./rows.ts";
import { Task } from "./task.ts";

const windows: SessionWindows = { kind: "session", gapMs: 5, graceMs: 4 };
const count: Operator = { kind: "count", node: "n", store: 1, windows, takes: "keyed" };
const sum: Operator = { ...count, kind: "sum", number: "int64", takes: "valued" };

interface Session {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly value: bigint | number;
}

/** Kafka Streams' process, one record at a time, over a list of sessions. */
function oneAtATime(rows: readonly Row[], { kind, number, takes }: Operator): Output[] {
  let sessions: Session[] = [];
  const outputs: Output[] = [];
  let streamTime = Number.MIN_SAFE_INTEGER;
  const { gapMs, graceMs } = windows;
  for (const [offset, [key, time = 0, value = "v"]] of rows.entries()) {
    const storeTime = streamTime;
    streamTime = Math.max(streamTime, time);
    if (key === null || (takes === "valued" && value === null)) continue;
    const merged = sessions
      .filter((one) => one.key === key && one.end >= time - gapMs && one.start <= time + gapMs)
      .filter(({ end }) => end >= storeTime - (gapMs + graceMs) + 1)
      .sort((left, right) => left.end - right.end || left.start - right.start);
    const start = Math.min(time, ...merged.map((one) => one.start));
    const end = Math.max(time, ...merged.map((one) => one.end));
    if (end < streamTime - graceMs - gapMs) continue;
    let fold: bigint | number | undefined;
    for (const one of merged) fold = folded(kind, number, fold, one.value);
    const forward = (one: Omit<Session, "value">, text: string | null): void => {
      outputs.push({ key: nameOf(one), value: text, offset, timestamp: one.end, headers: "\0" });
    };
    if (start !== end) {
      sessions = sessions.filter((one) => !merged.includes(one));
      for (const one of merged) forward(one, null);
    }
    fold = folded(kind, number, fold, kind === "count" ? 1n : decode(value ?? "", number));
    const made = { key, start, end, value: fold };
    sessions = [...sessions.filter((one) => nameOf(one) !== nameOf(made)), made];
    forward(made, encode(fold, number));
  }
  return outputs;
}

function nameOf({ key, start, end }: Omit<Session, "value">): string {
  const suffix = Buffer.alloc(16);
  suffix.writeBigInt64BE(BigInt(end));
  suffix.writeBigInt64BE(BigInt(start), 8);
  return key + suffix.toString("latin1");
}

const row = (value: fc.Arbitrary<string | null>): fc.Arbitrary<Row> =>
  fc.tuple(
    fc.option(fc.constantFrom("", "a", "b", "ab"), { freq: 8, nil: null }),
    fc.integer({ min: 0, max: 60 }),
    value,
    fc.constantFrom("\0", "\u0002\u0002h\u0002x"),
  );

describe("sessions in batches of 1, 3, 7 and 500 equal sessions record by record", () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  for (const [name, operator, value] of [
    ["a count", count, fc.option(fc.constant("v"), { freq: 8, nil: null })],
    [
      "a sum",
      sum,
      fc.option(
        long.map((one) => encode(one)),
        { freq: 8, nil: null },
      ),
    ],
  ] as const) {
    it(name, () => {
      fc.assert(
        fc.property(fc.array(row(value), { maxLength: 60 }), (rows) => {
          const expected = oneAtATime(rows, operator);
          for (const size of [1, 3, 7, 500]) {
            const task = new Task(operator);
            for (const batch of inBatches(rows, size)) task.run(batch);
            assert.deepEqual(task.outputs, expected);
          }
        }),
        { numRuns: 2_000 },
      );
    });
  }
});

describe("a session", () => {
  it("is forwarded as null before what it is merged into, and leaves the store", () => {
    const task = new Task(count);
    task.run([
      rowsOf([
        ["a", 10],
        ["a", 18],
        ["a", 14],
        ["a", 14],
      ]),
    ]);
    const said = task.outputs.map(({ key, value, timestamp }) => {
      const bytes = Buffer.from(key, "latin1");
      const [end, start] = [bytes.readBigInt64BE(1), bytes.readBigInt64BE(9)];
      return [`${start}-${end}`, value === null ? null : decode(value), timestamp];
    });
    assert.deepEqual(said, [
      ["10-10", 1n, 10],
      ["18-18", 1n, 18],
      ["10-10", null, 10],
      ["18-18", null, 18],
      ["10-18", 3n, 18],
      ["10-18", null, 18],
      ["10-18", 4n, 18],
    ]);
    assert.equal(task.store.size, 1);
  });
});
