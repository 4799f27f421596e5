import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HEADERS_END, RecordColumns } from "../../../src/model/columns.ts";
import { decide } from "../../../src/tasks/failure-policy.ts";
import { decodeParkCommand, encodeParkCommand } from "../../../src/tasks/park-command.ts";
import { ParkedKeys } from "../../../src/tasks/parked-keys.ts";
import {
  decodeControlPosition,
  decodeParked,
  decodeParkedKey,
  encodeControlPosition,
  encodeParked,
  keyOf,
  parkedKey,
} from "../../../src/tasks/parked-record.ts";

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const CAUSE = {
  reason: "rejected" as const,
  attempts: 2,
  node: "n",
  type: "T",
  message: "m".repeat(50),
  stack: "s".repeat(500),
};

function rowOf(key: Buffer, value: Buffer | null, headers: Buffer) {
  const columns = new RecordColumns(Buffer.concat([key, value ?? Buffer.alloc(0), headers]), 1);
  const headersAt = key.length + (value?.length ?? 0);
  columns.positions.set([0, key.length, key.length, value?.length ?? -1, headersAt], 0);
  columns.positions[HEADERS_END] = headersAt + headers.length;
  columns.offsets[0] = 17;
  columns.timestamps[0] = 5;
  columns.count = 1;
  return { source: 0, partition: 3, columns, from: 0, to: 1 };
}

describe("a parked record", () => {
  test("comes back as it was, to the byte", () => {
    const value = fc.option(bytes);
    fc.assert(
      fc.property(bytes, value, bytes, fc.maxSafeNat(), (key, body, headers, sequence) => {
        const row = rowOf(key, body, headers);
        const stored = encodeParked(row, "in", CAUSE, 10_000);
        const parked = stored && decodeParked(stored);
        assert.ok(stored && parked);
        const { valuePosition, valueLength, headersPosition, ...facts } = parked;
        const at = { topic: "in", partition: 3, offset: 17, timestamp: 5 };
        assert.deepEqual(facts, { ...at, cause: CAUSE });
        const end = valuePosition + Math.max(0, valueLength);
        const found = valueLength < 0 ? null : stored.subarray(valuePosition, end);
        assert.deepEqual(found, body);
        assert.deepEqual(stored.subarray(headersPosition), headers);
        assert.deepEqual(decodeParkedKey(parkedKey(key, sequence)), { key, sequence });
        assert.deepEqual(keyOf(row), key);
      }),
    );
  });

  test("leaves out the stack, then the words, where it would be too large, and is none beyond that", () => {
    const row = rowOf(Buffer.from("k"), Buffer.alloc(100), Buffer.alloc(0));
    const kept = (max: number) => {
      const stored = encodeParked(row, "in", CAUSE, max);
      return stored && decodeParked(stored)?.cause;
    };
    assert.equal(kept(1_000)?.stack.length, 500);
    assert.deepEqual([kept(400)?.stack, kept(400)?.message.length], ["", 50]);
    assert.equal(kept(310)?.message, "");
    assert.equal(kept(200), null);
  });

  test("of another version, and what is none, is told", () => {
    for (const other of [
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]) {
      assert.equal(decodeParkedKey(other), null);
      assert.equal(decodeParked(other), null);
    }
    const position = { topicId: "t", offset: 9 };
    assert.deepEqual(decodeControlPosition(encodeControlPosition(position)), position);
  });
});

describe("the keys that wait", () => {
  test("are what a list of them would be", () => {
    const step = fc.record({ key: fc.constantFrom("a", "b", "\xff"), adds: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const keys = new ParkedKeys();
        const model: [key: string, sequence: number][] = [];
        for (const { key, adds } of steps) {
          const at = model.findIndex(([name]) => name === key);
          if (adds) {
            const sequence = keys.nextSequence();
            keys.add(key, { sequence, bytes: 3 });
            model.push([key, sequence]);
          } else if (at >= 0) {
            keys.remove(key, model[at]?.[1] ?? -1);
            model.splice(at, 1);
          }
        }
        assert.deepEqual([keys.records, keys.bytes], [model.length, 3 * model.length]);
        for (const key of ["a", "b", "\xff"]) {
          const own = model.filter(([name]) => name === key).map(([, sequence]) => sequence);
          assert.deepEqual(
            keys.of(key).map(({ sequence }) => sequence),
            own,
          );
          const buffer = Buffer.from(key, "latin1");
          assert.equal(keys.find(buffer, 0, buffer.length), own.length > 0 ? key : null);
        }
        assert.equal(keys.find(Buffer.from("a"), 0, -1), null);
      }),
    );
  });

  test("have room for so many records and bytes", () => {
    const keys = new ParkedKeys();
    keys.add("a", { sequence: 4, bytes: 60 });
    const limits = { recordsMax: 2, bytesMax: 100 };
    assert.deepEqual([keys.hasRoom(40, limits), keys.hasRoom(41, limits)], [true, false]);
    keys.add("b", { sequence: keys.nextSequence(), bytes: 1 });
    assert.equal(keys.hasRoom(1, limits), false);
    assert.throws(() => keys.add("a", { sequence: 3, bytes: 1 }), /keep their order/);
  });
});

test("a command says what it said, and nothing else is one", () => {
  for (const key of [null, Buffer.from([0, 255])]) {
    const command = { action: "drop" as const, key, until: 7 };
    assert.deepEqual(decodeParkCommand(Buffer.from(encodeParkCommand(command))), command);
  }
  const others = [
    "",
    "null",
    "{",
    '{"v":2,"action":"drop","key":null,"until":1}',
    '{"v":1,"action":"burn","key":null,"until":1}',
    '{"v":1,"action":"drop","key":7,"until":1}',
    '{"v":1,"action":"drop","key":null}',
  ];
  for (const text of others) assert.equal(decodeParkCommand(Buffer.from(text)), null, text);
  assert.equal(decodeParkCommand(null), null);
});

test("what cannot be parked takes the next best, and nothing is dropped for it", () => {
  const policy = {
    retryMax: 1,
    initialMs: 1,
    factor: 1,
    maxDelayMs: 1,
    jitter: 0,
    exhausted: "park" as const,
  };
  for (const verdict of [{ kind: "park" }, { kind: "policy" }] as const) {
    assert.equal(decide(policy, verdict, 2, true, true), "park");
    assert.equal(decide(policy, verdict, 2, true, false), "dlq");
    assert.equal(decide(policy, verdict, 2, false, false), "fail");
  }
  assert.equal(decide(policy, { kind: "park" }, 1, true, true), "park", "without another try");
});
