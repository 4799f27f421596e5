import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { rewrite } from "../../../test/unit/server/wire-shuffle.ts";
import {
  type Batch,
  type BatchResult,
  BatchResultSchema,
  type BatchSchema,
  ProcessRequestSchema,
  ProcessResponseSchema,
  type TimersSchema,
} from "../src/gen/outrigger/v1/processor_pb.ts";
import { PREFIX_BYTES } from "../src/grpc-messages.ts";
import { type Column, decodeFrame, elementOf, type ReceivedBatch } from "../src/received-batch.ts";
import type { Header } from "../src/record.ts";
import { ResultFrames } from "../src/result-frame.ts";

type BatchInit = MessageInitShape<typeof BatchSchema>;

const INT64_MAX = 2n ** 63n - 1n;
const exact = fc.maxSafeInteger().map(BigInt);
const anyBytes = fc.uint8Array({ maxLength: 200 });
const uint32 = fc.nat(2 ** 32 - 1);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const plain = { noNullPrototype: true };

const exactly = <T>(count: number, value: fc.Arbitrary<T>) =>
  fc.array(value, { minLength: count, maxLength: count });
const exactlyOrNone = <T>(count: number, value: fc.Arbitrary<T>) =>
  fc.oneof(fc.constant<T[]>([]), exactly(count, value));
const someIndexes = (count: number) => fc.subarray([...Array(count).keys()]);
const anyText = fc.oneof(
  fc.string({ maxLength: 9 }),
  fc.string({ unit: "binary", maxLength: 9 }).filter((text) => !text.startsWith("\ufeff")),
);

const anyHeader = fc.record(
  { key: anyText, value: anyBytes },
  { ...plain, requiredKeys: ["key"] as const },
);
const headersOf = (count: number) =>
  someIndexes(count).chain((rows) =>
    fc.tuple(
      ...rows.map((row) =>
        fc.array(anyHeader, { maxLength: 3 }).map((headers) => ({ row, headers })),
      ),
    ),
  );

const anySegment = fc.nat(9).chain((count) =>
  fc.record(
    {
      source: uint32,
      partition: int32,
      baseOffset: fc.bigInt(-1n, INT64_MAX),
      baseTimestamp: exact,
      keys: exactly(count, anyBytes),
      values: exactly(count, anyBytes),
      offsetDeltas: exactlyOrNone(count, int32),
      timestampDeltas: exactlyOrNone(count, int32),
      nullKeys: someIndexes(count),
      nullValues: someIndexes(count),
      headers: headersOf(count),
    },
    plain,
  ),
);

const anyState = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.record(
    {
      store: uint32,
      values: exactly(count, anyBytes),
      absent: someIndexes(count),
      slots: fc.array(fc.nat(count - 1)),
      windowBase: exact,
      windowUnitMs: fc.nat(2 ** 40).map(BigInt),
      windowSteps: exactlyOrNone(count, int32),
      windowStarts: exactlyOrNone(count, exact),
      sessionLengths: exactlyOrNone(count, fc.nat(2 ** 40).map(BigInt)),
    },
    plain,
  ),
);

const anyBatch = fc.record(
  {
    dispatchId: fc.bigInt(0n, 2n ** 64n - 1n),
    taskEpoch: uint32,
    taskId: anyText,
    stage: uint32,
    segments: fc.array(anySegment, { maxLength: 3 }),
    states: fc.array(anyState, { maxLength: 3 }),
    processingTimeoutMs: uint32,
  },
  plain,
);

function frameOf(batch: BatchInit): Buffer {
  const message = create(ProcessResponseSchema, { frame: { case: "batch", value: batch } });
  return Buffer.from(toBinary(ProcessResponseSchema, message));
}

function received(frame: Buffer): ReceivedBatch {
  const decoded = decodeFrame(frame);
  return decoded.case === "batch" ? decoded.value : assert.fail(`${decoded.case}`);
}

const asHex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("hex");

function elements(column: Column): (string | null)[] {
  const { length } = column.spans;
  return Array.from({ length: length / 2 }, (_, index) => asHex(elementOf(column, index)));
}

function nulled(list: readonly Uint8Array[], nulls: readonly number[]): (string | null)[] {
  return list.map((bytes, index) => (nulls.includes(index) ? null : asHex(bytes)));
}

const plainHeaders = (headers: readonly { key: string; value?: Uint8Array | null | undefined }[]) =>
  headers.map(({ key, value }) => [key, asHex(value ?? null)]);

/** Holds what was read by hand to what the generated code reads. */
function check(batch: ReceivedBatch, expected: Batch): void {
  const { dispatchId, taskEpoch, taskId, stage } = expected;
  const named = { dispatchId, taskEpoch, taskId, stage };
  const { segments, states, ...rest } = batch;
  assert.deepEqual(rest, named);
  assert.equal(segments.length, expected.segments.length);
  for (const [index, segment] of segments.entries()) {
    const other = expected.segments[index] ?? assert.fail();
    const { source, partition, baseOffset, offsetDeltas, timestampDeltas } = other;
    const numbers = { source, partition, baseOffset, offsetDeltas, timestampDeltas };
    const { keys, values, headers, count, baseTimestamp, ...got } = segment;
    assert.deepEqual(got, numbers);
    assert.equal(baseTimestamp, Number(other.baseTimestamp));
    assert.equal(count, other.keys.length);
    assert.deepEqual(elements(keys), nulled(other.keys, other.nullKeys));
    assert.deepEqual(elements(values), nulled(other.values, other.nullValues));
    assert.deepEqual(
      [...(headers ?? [])].map(([row, list]) => [row, plainHeaders(list)]),
      other.headers.map(({ row, headers: list }) => [row, plainHeaders(list)]),
    );
  }
  assert.equal(states.length, expected.states.length);
  for (const [index, state] of states.entries()) {
    const other = expected.states[index] ?? assert.fail();
    const { values, ...got } = state;
    assert.deepEqual(elements(values), nulled(other.values, other.absent));
    assert.deepEqual(got, {
      store: other.store,
      slots: other.slots,
      slotCounts: other.slotCounts,
      windowBase: Number(other.windowBase),
      windowUnitMs: Number(other.windowUnitMs),
      windowSteps: other.windowSteps,
      windowStarts: other.windowStarts.map(Number),
      sessionLengths: other.sessionLengths.map(Number),
    });
  }
}

describe("a batch read by hand", () => {
  it("says what the generated code says, however the message was written", () => {
    const draws = fc.infiniteStream(fc.nat(0xffff));
    fc.assert(
      fc.property(anyBatch, draws, (batch, stream) => {
        const frame = frameOf(batch);
        const whole = fromBinary(ProcessResponseSchema, frame).frame;
        assert.ok(whole.case === "batch");
        check(received(frame), whole.value);
        const draw = (bound: number): number => (stream.next().value ?? 0) % bound;
        const other = rewrite(ProcessResponseSchema, frame, draw);
        const { frame: generated } = fromBinary(ProcessResponseSchema, other);
        assert.ok(generated.case === "batch");
        check(received(other), generated.value);
      }),
      { numRuns: 500 },
    );
  });

  it("that is cut off, or is none, says so: nothing else is thrown, and nothing is read past its end", () => {
    const draws = fc.tuple(anyBatch, fc.nat(), fc.nat(255), fc.boolean());
    fc.assert(
      fc.property(draws, ([batch, at, byte, isCut]) => {
        const frame = frameOf(batch);
        const place = at % Math.max(1, frame.length);
        const broken = isCut ? frame.subarray(0, place) : Buffer.from(frame);
        if (!isCut) broken[place] = byte;
        try {
          const decoded = decodeFrame(broken);
          if (decoded.case !== "batch") return;
          for (const { keys, values, count } of decoded.value.segments) {
            assert.equal(elements(keys).length, count);
            assert.equal(elements(values).length, count);
            for (const end of [...keys.spans, ...values.spans]) assert.ok(end <= broken.length);
          }
        } catch (error: unknown) {
          if (error instanceof assert.AssertionError) throw error;
          // So says the generated code of text in another frame that the byte has made of it.
          const isOfText = error instanceof TypeError && /encoding utf-8/.test(error.message);
          assert.ok(isOfText || !(error instanceof TypeError), String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("is refused with a length that ends behind its message, though within the frame", () => {
    const key = [0x2a, 200, 1, ...Array<number>(100).fill(7)];
    const segment = [0x2a, key.length, ...key];
    const batch = [0x1a, 250, 1, ...segment, ...Array<number>(250 - segment.length).fill(0x7f)];
    assert.throws(() => decodeFrame(Buffer.from(batch)), /points past the end of its message/);
  });

  const [k, v] = [Buffer.from("k"), Buffer.from("v")];
  const refused: Record<string, [Omit<BatchInit, "$typeName" | "$unknown">, RegExp]> = {
    "columns of two lengths": [
      { segments: [{ keys: [k, k], values: [v] }] },
      /2 keys and 1 values/,
    ],
    "a null that is not there": [
      { segments: [{ keys: [k], values: [v], nullKeys: [3] }] },
      /null_keys holds 3, of 1 elements/,
    ],
    "an absent slot that is not there": [
      { states: [{ values: [v], absent: [1] }] },
      /absent holds 1/,
    ],
    "a slot that is not there": [
      { states: [{ values: [v], slots: [0, 1] }] },
      /slots holds 1, of 1/,
    ],
    "more slots than there are": [
      { states: [{ values: [v], slots: [0], slotCounts: [1, 2 ** 32 - 1] }] },
      /slot_counts adds up to 4294967296, of 1 slots/,
    ],
  };
  for (const [what, [batch, said]] of Object.entries(refused)) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => received(frameOf(batch)), said);
      assert.throws(() => received(frameOf(batch)), /no outrigger\.v1\.ProcessResponse/);
    });
  }

  it("is refused beside another frame; frames that are none of these are the generated code's", () => {
    const drain = create(ProcessResponseSchema, {
      frame: { case: "drain", value: { timeoutMs: 7 } },
    });
    const other = Buffer.from(toBinary(ProcessResponseSchema, drain));
    const both = Buffer.concat([frameOf({ stage: 1 }), other]);
    assert.throws(() => decodeFrame(both), /a batch and another frame/);
    const decoded = decodeFrame(other);
    assert.ok(decoded.case === "drain");
    assert.equal(decoded.value.timeoutMs, 7);
    assert.equal(decodeFrame(Buffer.alloc(0)).case, undefined);
  });
});

const anyOutput = fc.record(
  {
    row: fc.nat(2 ** 31 - 1),
    sink: fc.oneof(fc.constant(0), fc.nat(300)),
    key: fc.option(anyBytes),
    value: fc.option(anyBytes),
    timestamp: fc.oneof(fc.constant(5), fc.maxSafeInteger()),
    headers: fc.option(
      fc
        .array(anyHeader, { maxLength: 3 })
        .map((list): Header[] => list.map(({ key, value }) => ({ key, value: value ?? null }))),
    ),
  },
  plain,
);

const anyMutations = fc.tuple(fc.nat(4), fc.nat(4)).chain(([slots, keys]) =>
  fc.record(
    {
      store: uint32,
      slots: exactly(slots, uint32),
      keys: exactly(keys, anyBytes),
      values: exactly(slots + keys, anyBytes),
      deletes: someIndexes(slots + keys),
    },
    plain,
  ),
);

const anyResult = fc.record(
  {
    dispatchId: fc.bigInt(0n, 2n ** 64n - 1n),
    taskEpoch: uint32,
    taskId: anyText,
    done: uint32,
    mutations: fc.array(anyMutations, { maxLength: 3 }),
    rest: fc.option(
      fc.record(
        {
          failure: fc.record({ type: fc.string(), message: anyText }, plain),
          timers: fc.constant<MessageInitShape<typeof TimersSchema>[]>([
            { node: "n", keys: [Buffer.from("k")], names: ["t"], times: [3n] },
          ]),
        },
        plain,
      ),
    ),
  },
  plain,
);

type Output = typeof anyOutput extends fc.Arbitrary<infer T> ? T : never;

function expectedOutputs(outputs: readonly Output[]) {
  const indexes = (isSo: (output: Output) => boolean) =>
    outputs.flatMap((output, index) => (isSo(output) ? [index] : []));
  const empty = new Uint8Array();
  return {
    inputs: outputs.map(({ row }) => row),
    sinks: outputs.every(({ sink }) => sink === 0) ? [] : outputs.map(({ sink }) => sink),
    keys: outputs.map(({ key }) => key ?? empty),
    values: outputs.map(({ value }) => value ?? empty),
    nullKeys: indexes(({ key }) => key === null),
    nullValues: indexes(({ value }) => value === null),
    timestamps: outputs.every(({ timestamp }) => timestamp === 5)
      ? []
      : outputs.map(({ timestamp }) => BigInt(timestamp)),
    headers: outputs.flatMap(({ headers }, row) =>
      headers === null
        ? []
        : [{ row, headers: headers.map(({ key, value }) => (value ? { key, value } : { key })) }],
    ),
  };
}

describe("a result written by hand", () => {
  it("is read by the generated code as what was added, without what was taken back, again and again", () => {
    const frames = new ResultFrames();
    const runs = fc.array(fc.tuple(fc.array(anyOutput, { maxLength: 9 }), fc.boolean()), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(runs, anyResult, (rows, fields) => {
        const frame = frames.take();
        const { outputs } = frame;
        const kept: Output[] = [];
        for (const [added, isKept] of rows) {
          const { count, bytes, position } = outputs;
          for (const { row, sink, key, value, timestamp, headers } of added) {
            outputs.add(row, sink, key, value, timestamp, 5, headers);
          }
          if (isKept) kept.push(...added);
          else outputs.truncate(count, bytes, position);
        }
        const { rest, ...named } = fields;
        const expected = create(BatchResultSchema, {
          ...named,
          outputs: expectedOutputs(kept),
          ...rest,
        });
        const encoded = Buffer.from(
          toBinary(
            ProcessRequestSchema,
            create(ProcessRequestSchema, { frame: { case: "result", value: expected } }),
          ),
        );
        const written = Buffer.from(frame.encode(fields).subarray(PREFIX_BYTES));
        const outputBytes = outputs.bytes;
        frame.release();
        const read = fromBinary(ProcessRequestSchema, written).frame;
        assert.deepEqual(resultOf(read), resultOf(fromBinary(ProcessRequestSchema, encoded).frame));
        // As long as the generated code's, to the byte: nothing is written twice or in a longer form.
        assert.equal(written.length, encoded.length);
        const { outputs: columns } = resultOf(read);
        assert.ok(columns !== undefined && outputBytes + 64 >= columns.keys.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is never larger than what was counted", () => {
    const frame = new ResultFrames().take();
    const header = { key: "a", value: Buffer.from("b") };
    for (let row = 0; row < 100_000; row++) {
      frame.outputs.add(row, 300, null, null, 2 ** 53 - 1, 0, row % 2 === 0 ? [header] : null);
    }
    const none = {
      dispatchId: 1n,
      taskEpoch: 1,
      taskId: "0_0",
      done: 1,
      mutations: [],
      rest: null,
    };
    const { length } = frame.encode(none);
    assert.ok(length <= frame.outputs.bytes + 64, `${length} of ${frame.outputs.bytes}`);
    assert.ok(length > frame.outputs.bytes / 2);
  });

  it("takes any view of bytes, and refuses what is none", () => {
    const { outputs } = new ResultFrames().take();
    const view = new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2) as unknown as Uint8Array;
    outputs.add(0, 0, view, null, 0, 0, null);
    const text = "text" as unknown as Uint8Array;
    assert.throws(
      () => outputs.add(1, 0, null, text, 0, 0, null),
      /of the type string: .*Uint8Array/,
    );
  });

  it("is not shared while one of two is not released", () => {
    const frames = new ResultFrames();
    const [a, b] = [frames.take(), frames.take()];
    assert.notEqual(a, b);
    a.release();
    a.release();
    assert.equal(frames.take(), a);
    assert.notEqual(frames.take(), a);
  });
});

function resultOf(
  frame: ReturnType<typeof fromBinary<typeof ProcessRequestSchema>>["frame"],
): BatchResult {
  return frame.case === "result" ? frame.value : assert.fail(`${frame.case}`);
}
