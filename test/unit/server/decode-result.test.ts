import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type BatchResult,
  BatchResultSchema,
  ProcessRequestSchema,
  Verdict,
} from "../../../src/gen/outrigger/v1/processor_pb.ts";
import type { OutputsSchema } from "../../../src/gen/outrigger/v1/records_pb.ts";
import type { MutationsSchema } from "../../../src/gen/outrigger/v1/state_pb.ts";
import type { BatchAnswer } from "../../../src/ports/application.ts";
import { decodeRequest } from "../../../src/server/frames.ts";
import { kafkaHeaders } from "./columns.ts";
import { rewrite } from "./wire-shuffle.ts";

type ResultInit = MessageInitShape<typeof BatchResultSchema>;
type OutputsInit = MessageInitShape<typeof OutputsSchema>;

function frameOf(result: ResultInit): Buffer {
  const value = create(BatchResultSchema, result);
  const request = create(ProcessRequestSchema, { frame: { case: "result", value } });
  return Buffer.from(toBinary(ProcessRequestSchema, request));
}

function answerOf(frame: Buffer): BatchAnswer {
  const decoded = decodeRequest(frame);
  assert.equal(decoded.kind, "result", JSON.stringify(decoded));
  return decoded.kind === "result" ? decoded.answer : assert.fail();
}

function violationOf(frame: Buffer): string {
  const decoded = decodeRequest(frame);
  assert.equal(decoded.kind, "malformed");
  if (decoded.kind !== "malformed") return assert.fail();
  assert.equal(decoded.error.code, "PROTOCOL_VIOLATION");
  return decoded.error.message;
}

function spans(
  positions: Int32Array,
  bytes: Buffer,
  stride: number,
  at: number,
): (Buffer | null)[] {
  const found: (Buffer | null)[] = [];
  for (let i = at; i < positions.length; i += stride) {
    const [position = 0, length = 0] = positions.subarray(i, i + 2);
    found.push(length < 0 ? null : Buffer.from(bytes.subarray(position, position + length)));
  }
  return found;
}

function nulled(list: readonly Uint8Array[], nulls: readonly number[]): (Buffer | null)[] {
  return list.map((bytes, index) => (nulls.includes(index) ? null : Buffer.from(bytes)));
}

/** Holds the answer to what the generated code reads. */
function check(answer: BatchAnswer, result: BatchResult): void {
  assert.equal(answer.taskName, result.taskId);
  assert.equal(answer.taskEpoch, result.taskEpoch);
  assert.equal(BigInt(answer.dispatchId), result.dispatchId);
  assert.equal(answer.done, result.done);
  const { failure, outputs, mutations } = result;
  const { type = "", message = "", stack = "", node = "" } = failure ?? {};
  const said = { type, message, stack, node, verdict: verdictIn(failure) };
  assert.deepEqual(answer.failure, failure === undefined ? null : said);
  const inputs = outputs?.inputs ?? [];
  assert.equal(answer.outputs.count, inputs.length);
  assert.deepEqual([...answer.outputs.inputs], inputs);
  assert.deepEqual([...(answer.outputs.sinks ?? [])], outputs?.sinks ?? []);
  assert.deepEqual([...(answer.outputs.timestamps ?? [])], (outputs?.timestamps ?? []).map(Number));
  const { positions, bytes } = answer.outputs;
  assert.deepEqual(
    spans(positions, bytes, 4, 0),
    nulled(outputs?.keys ?? [], outputs?.nullKeys ?? []),
  );
  assert.deepEqual(
    spans(positions, bytes, 4, 2),
    nulled(outputs?.values ?? [], outputs?.nullValues ?? []),
  );
  const headers = (outputs?.headers ?? []).map(({ row, headers: list }): [number, Buffer] => [
    row,
    kafkaHeaders(list.map(({ key, value }) => ({ key, value: value ?? null }))),
  ]);
  assert.deepEqual([...(answer.outputs.headers ?? [])], headers);
  assert.equal(answer.mutations.length, mutations.length);
  for (const [index, expected] of mutations.entries()) {
    const got = answer.mutations[index];
    assert.ok(got !== undefined);
    assert.equal(got.store, expected.store);
    assert.deepEqual([...got.slots], expected.slots);
    assert.deepEqual(spans(got.keys, got.bytes, 2, 0), nulled(expected.keys, []));
    assert.deepEqual(spans(got.values, got.bytes, 2, 0), nulled(expected.values, expected.deletes));
  }
}

function verdictIn(failure: BatchResult["failure"]): unknown {
  switch (failure?.verdict) {
    case Verdict.RETRY: {
      const { retryAfterMs = null } = failure;
      const afterMs = retryAfterMs === null ? null : Math.min(Number(retryAfterMs), 2 ** 31 - 1);
      return { kind: "retry", afterMs };
    }
    case Verdict.DEAD_LETTER:
      return { kind: "deadLetter" };
    case Verdict.FAIL:
      return { kind: "fail" };
    default:
      return { kind: "policy" };
  }
}

const VERDICTS = [Verdict.UNSPECIFIED, Verdict.RETRY, Verdict.DEAD_LETTER, Verdict.FAIL];
const plain = { noNullPrototype: true };
const anyBytes = fc.uint8Array({ maxLength: 150 });
const someIndexes = (count: number) =>
  fc.subarray([...Array(count).keys()]).map((list) => list.sort((a, b) => a - b));
const someOrNone = <T>(count: number, value: fc.Arbitrary<T>) =>
  fc.oneof(fc.constant<T[]>([]), fc.array(value, { minLength: count, maxLength: count }));

const anyHeader = fc
  .record({ key: fc.string({ maxLength: 5 }), value: fc.option(anyBytes, { nil: null }) }, plain)
  .map(({ key, value }) => (value === null ? { key } : { key, value }));

const anyOutputs = fc.nat(8).chain((count) =>
  fc.record(
    {
      inputs: fc.array(fc.nat(2 ** 31 - 1), { minLength: count, maxLength: count }),
      sinks: someOrNone(count, fc.nat(300)),
      keys: fc.array(anyBytes, { minLength: count, maxLength: count }),
      values: fc.array(anyBytes, { minLength: count, maxLength: count }),
      nullKeys: someIndexes(count),
      nullValues: someIndexes(count),
      timestamps: someOrNone(count, fc.oneof(fc.constant(-1n), fc.bigInt(0n, 2n ** 53n - 1n))),
      headers: someIndexes(count).chain((rows) =>
        fc.tuple(
          ...rows.map((row) =>
            fc.array(anyHeader, { maxLength: 3 }).map((headers) => ({ row, headers })),
          ),
        ),
      ),
    },
    plain,
  ),
);

const anyMutations = fc.tuple(fc.nat(4), fc.nat(4)).chain(([slots, keys]) =>
  fc.record(
    {
      store: fc.nat(300),
      slots: fc.array(fc.nat(2 ** 31 - 1), { minLength: slots, maxLength: slots }),
      keys: fc.array(anyBytes, { minLength: keys, maxLength: keys }),
      values: fc.array(anyBytes, { minLength: slots + keys, maxLength: slots + keys }),
      deletes: someIndexes(slots + keys),
    },
    plain,
  ),
);

const anyResult = fc.record(
  {
    dispatchId: fc.bigInt(0n, 2n ** 53n - 1n),
    taskEpoch: fc.nat(2 ** 32 - 1),
    taskId: fc.string({ maxLength: 8 }),
    done: fc.nat(2 ** 32 - 1),
    failure: fc.record(
      {
        type: fc.string(),
        message: fc.string(),
        stack: fc.string(),
        node: fc.string(),
        verdict: fc.constantFrom(...VERDICTS),
        retryAfterMs: fc.bigInt(0n, 2n ** 40n),
      },
      { ...plain, requiredKeys: ["type", "message", "stack", "node", "verdict"] },
    ),
    outputs: anyOutputs,
    mutations: fc.array(anyMutations, { maxLength: 3 }),
  },
  { ...plain, requiredKeys: ["mutations"] },
);

describe("a result read by hand", () => {
  it("says what the generated code says, however the message was written", () => {
    const draws = fc.infiniteStream(fc.nat(0xffff));
    fc.assert(
      fc.property(anyResult, draws, (drawn, stream) => {
        const result: ResultInit = drawn;
        const draw = (bound: number): number => (stream.next().value ?? 0) % bound;
        const frame = frameOf(result);
        check(answerOf(frame), create(BatchResultSchema, result));
        const other = rewrite(ProcessRequestSchema, frame, draw);
        const { frame: generated } = fromBinary(ProcessRequestSchema, other);
        assert.ok(generated.case === "result");
        check(answerOf(other), generated.value);
      }),
      { numRuns: 500 },
    );
  });

  it("never throws, and never reads past a frame, whatever the bytes", () => {
    const anyDamage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(anyResult, anyDamage, fc.nat(), (result, damage, cut) => {
        const whole = frameOf(result);
        const frame = Buffer.from(whole.subarray(0, whole.length - (cut % 3)));
        for (const [at, byte] of damage) if (frame.length > 0) frame[at % frame.length] = byte;
        const decoded = decodeRequest(frame);
        if (decoded.kind === "malformed") assert.equal(decoded.error.code, "PROTOCOL_VIOLATION");
        if (decoded.kind !== "result") return;
        const { positions } = decoded.answer.outputs;
        for (let i = 0; i < positions.length; i += 2) {
          assert.ok((positions[i] ?? 0) + Math.max(0, positions[i + 1] ?? 0) <= frame.length);
        }
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        decodeRequest(Buffer.from(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it("cuts a ten-byte negative to 32 bits, as protobuf says", () => {
    const done = Buffer.concat([Buffer.from([0x20]), Buffer.alloc(9, 0xff), Buffer.from([0x01])]);
    const frame = Buffer.concat([Buffer.from([0x12, done.length]), done]);
    assert.equal(answerOf(frame).done, 2 ** 32 - 1);
  });

  it("refuses a number of eleven bytes, a length beyond its message, and an end without a group", () => {
    const eleven = Buffer.concat([
      Buffer.from([0x12, 12, 0x20]),
      Buffer.alloc(10, 0xff),
      Buffer.from([1]),
    ]);
    assert.match(violationOf(eleven), /more than ten bytes/);
    assert.match(violationOf(Buffer.from([0x12, 2, 0x32, 5, 0, 0, 0, 0, 0])), /past the end/);
    assert.match(violationOf(Buffer.from([0x12, 1, 0x0c])), /group/);
  });

  it("refuses groups nested without end", () => {
    assert.match(
      violationOf(Buffer.concat([Buffer.from([0x12, 200, 1]), Buffer.alloc(200, 0x4b)])),
      /nested/,
    );
  });

  it("refuses a dispatch_id that a number cannot hold", () => {
    assert.match(violationOf(frameOf({ dispatchId: 2n ** 53n })), /dispatch_id/);
  });

  it("refuses a frame that holds a result and something else", () => {
    const hello = Buffer.from([0x0a, 0]);
    assert.match(violationOf(Buffer.concat([frameOf({}), hello])), /another frame/);
  });

  const brokenOutputs: readonly [string, OutputsInit, RegExp][] = [
    ["fewer keys than inputs", { inputs: [0, 0], keys: [], values: [] }, /2 inputs, 0 keys/],
    ["more values than keys", withOne({ values: [Buffer.alloc(1), Buffer.alloc(1)] }), /2 values/],
    ["sinks for some outputs", withOne({ sinks: [0, 0] }), /sinks/],
    ["timestamps for some outputs", withOne({ timestamps: [1n, 2n] }), /timestamps/],
    ["a timestamp before 1970", withOne({ timestamps: [-2n] }), /timestamp below/],
    ["a timestamp beyond 2^53", withOne({ timestamps: [2n ** 60n] }), /timestamp below/],
    ["a null key that does not exist", withOne({ nullKeys: [1] }), /null_keys/],
    ["null values out of order", withOne({ nullValues: [0, 0] }), /null_values/],
    ["headers of no output", withOne({ headers: [{ row: 9, headers: [] }] }), /headers/],
  ];
  for (const [what, outputs, words] of brokenOutputs) {
    it(`P-37: turns outputs with ${what} into a failure of the batch's first row`, () => {
      const answer = answerOf(frameOf({ taskId: "0_1", dispatchId: 5n, done: 3, outputs }));
      assert.equal(answer.failure?.type, "ANSWER_INVALID");
      assert.match(answer.failure?.message ?? "", words);
      assert.equal(answer.done, 0);
      assert.equal(answer.outputs.count, 0);
      assert.equal(answer.dispatchId, 5);
      assert.equal(answer.taskName, "0_1");
    });
  }

  const brokenMutations: readonly [string, MessageInitShape<typeof MutationsSchema>][] = [
    ["a slot without a value", { slots: [1], values: [] }],
    ["a value without slot or key", { values: [Buffer.from("v")] }],
    ["a delete of no value", { slots: [1], values: [Buffer.alloc(0)], deletes: [1] }],
  ];
  for (const [what, mutation] of brokenMutations) {
    it(`P-37: turns mutations with ${what} into a failure, and applies none`, () => {
      const good = { store: 1, slots: [0], values: [Buffer.from("x")] };
      const answer = answerOf(frameOf({ mutations: [good, mutation] }));
      assert.equal(answer.failure?.type, "ANSWER_INVALID");
      assert.deepEqual(answer.mutations, []);
    });
  }
});

function withOne(over: OutputsInit): OutputsInit {
  return { inputs: [0], keys: [Buffer.from("k")], values: [Buffer.from("v")], ...over };
}
