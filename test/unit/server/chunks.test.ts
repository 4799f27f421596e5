import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type HelloSchema,
  type ProcessResponse,
  ProcessResponseSchema,
} from "../../../src/gen/outrigger/v1/processor_pb.ts";
import { CHUNK_OVERHEAD_BYTES, encodeChunk } from "../../../src/server/chunks.ts";
import { batchOf, encoded, MESSAGE_BYTES_MAX, QUESTION, type RequestInit, Stage } from "./stage.ts";

const MIB = 1024 * 1024;
const KIB = 1024;

type HelloInit = Omit<MessageInitShape<typeof HelloSchema>, "$typeName" | "$unknown">;

/** A worker of minor version 4 that takes frames of 1 MiB, and messages of as much as the sidecar. */
function serving(over: HelloInit = {}): Stage {
  const bounds = { maxFrameBytes: MIB, maxMessageBytes: 1024 * MIB };
  return new Stage().serve({ protocolMinor: 4, ...bounds, ...over });
}

function chunk(data: Uint8Array, last: boolean): RequestInit {
  return { case: "chunk", value: { data, last } };
}

/** The chunks of a frame, by the generated code. */
function chunksOf(frame: Buffer, bytes: number): RequestInit[] {
  const chunks: RequestInit[] = [];
  for (let at = 0; at < frame.length; at += bytes) {
    chunks.push(chunk(frame.subarray(at, at + bytes), at + bytes >= frame.length));
  }
  return chunks;
}

/** What the chunks among the frames sent are, put together: each frame, in order. */
function wholeOf(sent: readonly ProcessResponse["frame"][]): ProcessResponse["frame"][] {
  const whole: ProcessResponse["frame"][] = [];
  let pieces: Uint8Array[] = [];
  for (const frame of sent) {
    if (frame.case !== "chunk") {
      assert.equal(pieces.length, 0, "another frame is between the chunks of one");
      whole.push(frame);
      continue;
    }
    pieces.push(frame.value.data);
    if (!frame.value.last) continue;
    whole.push(fromBinary(ProcessResponseSchema, Buffer.concat(pieces)).frame);
    pieces = [];
  }
  assert.equal(pieces.length, 0, "the last frame is not whole");
  return whole;
}

function valueBytes(frame: ProcessResponse["frame"] | undefined): number {
  assert.ok(frame?.case === "batch", `a ${frame?.case} came`);
  return frame.value.segments[0]?.values[0]?.length ?? 0;
}

function answer(bytes: number): Buffer {
  const outputs = { inputs: [0], keys: [Buffer.from("k")], values: [Buffer.alloc(bytes, 7)] };
  return encoded({ case: "result", value: { dispatchId: 7n, done: 1, outputs } });
}

describe("what was agreed on", () => {
  const agreed = (over: HelloInit): number => {
    const [welcome] = serving(over).sent;
    assert.ok(welcome?.case === "welcome");
    return welcome.value.maxMessageBytes;
  };

  it("is the lower of both sides' bounds", () => {
    assert.equal(agreed({}), MESSAGE_BYTES_MAX);
    assert.equal(agreed({ maxMessageBytes: 5 * MIB }), 5 * MIB);
  });

  it("is nothing where the worker names none, or speaks an older version", () => {
    assert.equal(agreed({ maxMessageBytes: 0 }), 0);
    assert.equal(agreed({ protocolMinor: 3 }), 0);
  });
});

describe("a frame above what the worker receives at once", () => {
  it("goes out in chunks that each fit, and is whole behind the last", () => {
    for (const bytes of [MIB - 9, MIB, 3 * MIB + 17, MESSAGE_BYTES_MAX - 100]) {
      const stage = serving();
      stage.session.dispatch(batchOf(bytes));
      stage.session.revoke("0_0", 1);
      const [, first, second] = stage.sent;
      if (bytes > MIB)
        assert.deepEqual([first?.case, second], ["chunk", undefined], "one at a time");
      stage.writeAll();
      for (const frame of stage.frames) {
        assert.ok(frame.length <= MIB, `a frame of ${frame.length} bytes`);
      }
      const [welcome, batch, revoked] = wholeOf(stage.sent);
      assert.equal(welcome?.case, "welcome");
      assert.equal(valueBytes(batch), bytes);
      assert.equal(revoked?.case, "revoked");
    }
  });

  it("goes out as it did before where it fits", () => {
    const stage = serving();
    stage.session.dispatch(batchOf(MIB - 100));
    assert.deepEqual(
      stage.sent.map((frame) => frame.case),
      ["welcome", "batch"],
    );
  });

  it("waits with what the worker does not take, and nothing comes between", () => {
    const stage = serving();
    stage.takes = false;
    stage.session.dispatch(batchOf(3 * MIB));
    stage.session.revoke("0_0", 1);
    stage.session.dispatch(batchOf(2 * MIB));
    assert.equal(stage.sent.length, 2, "one chunk was taken, and then no more");
    for (let round = 0; round < 20 && stage.sent.at(-1)?.case !== "drain"; round++) {
      stage.session.drained();
      if (round === 8) stage.session.drain(5);
    }
    const [, first, revoked, second, drain] = wholeOf(stage.sent);
    assert.deepEqual([valueBytes(first), valueBytes(second)], [3 * MIB, 2 * MIB]);
    assert.deepEqual([revoked?.case, drain?.case], ["revoked", "drain"]);
  });

  it("carries state that was asked for", () => {
    const stage = serving();
    stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId: 1 } });
    stage.session.answerState(1, { kind: "values", values: [Buffer.alloc(5 * MIB)] });
    stage.writeAll();
    const found = wholeOf(stage.sent).at(-1);
    assert.ok(found?.case === "stateResponse");
    assert.equal(found.value.values[0]?.length, 5 * MIB);
  });

  it("fails its record, or its question, above what was agreed on, and names the setting", async () => {
    const stage = serving();
    stage.session.dispatch(batchOf(MESSAGE_BYTES_MAX));
    stage.receive({ case: "stateRequest", value: { ...QUESTION, requestId: 1 } });
    const values = [Buffer.alloc(MESSAGE_BYTES_MAX)];
    stage.session.answerState(1, { kind: "values", values });
    await Promise.resolve();
    assert.match(
      stage.failures[0] ?? "",
      /batch 8 of task 0_0 .* receives 8388608: .*server\.max\.message/,
    );
    const refused = stage.sent.at(-1);
    assert.ok(refused?.case === "stateResponse");
    assert.match(refused.value.error, /83\d+ bytes; .* 8388608: raise server\.max\.message\.bytes/);
  });

  it("fails its record for a worker of an older version, as it did", async () => {
    const stage = serving({ protocolMinor: 3 });
    stage.session.dispatch(batchOf(MIB));
    await Promise.resolve();
    assert.match(
      stage.failures[0] ?? "",
      /receives 1048576: use an SDK that takes frames in chunks/,
    );
    assert.equal(stage.sent.length, 1);
  });

  it("is written as the generated code writes it", () => {
    const frame = Buffer.from("abcdefgh");
    for (const [from, to, last] of [
      [0, 3, false],
      [3, 8, true],
    ] as const) {
      const bytes = encodeChunk(frame, from, to);
      const value = { data: frame.subarray(from, to), last };
      const message = create(ProcessResponseSchema, { frame: { case: "chunk", value } });
      assert.deepEqual(bytes, Buffer.from(toBinary(ProcessResponseSchema, message)));
      assert.ok(bytes.length <= to - from + CHUNK_OVERHEAD_BYTES);
    }
  });
});

describe("a worker's frame in chunks", () => {
  it("is taken when it is whole, and counts as one frame", () => {
    const stage = serving();
    const chunks = chunksOf(answer(5 * MIB), 700 * KIB);
    for (const one of chunks.slice(0, -1)) stage.receive(one);
    assert.deepEqual(stage.told, ["connected"]);
    stage.receive(chunks.at(-1) as RequestInit);
    assert.deepEqual(stage.told, ["connected", "answered 7 done"]);
    stage.receive({ case: "credit", value: { batches: 2, bytes: 9 } });
    assert.equal(stage.told.at(-1), "credited 2 9");
  });

  it("may be smaller than a frame, and of one chunk", () => {
    const stage = serving();
    const question = { ...QUESTION, requestId: 6, store: 1 };
    stage.receive(chunk(encoded({ case: "stateRequest", value: question }), true));
    assert.equal(stage.told.at(-1), "asked 6 1 1 k");
  });

  const full = Buffer.alloc(MIB, 1);
  const rejected: Readonly<Record<string, [HelloInit, RequestInit[], RegExp]>> = {
    "where none were agreed on": [{ maxMessageBytes: 0 }, [chunk(full, false)], /though none were/],
    "in an older version": [{ protocolMinor: 3 }, [chunk(full, false)], /though none were agreed/],
    "that holds nothing": [
      {},
      [chunk(full, false), chunk(Buffer.alloc(0), false)],
      /holds 0 bytes/,
    ],
    "that is empty at its end": [
      {},
      [chunk(full, false), chunk(Buffer.alloc(0), true)],
      /least is 1/,
    ],
    "that holds too little": [
      {},
      [chunk(full.subarray(0, 9), false)],
      /9 bytes; the least is 65536/,
    ],
    "that goes on beyond the bound": [
      {},
      new Array<RequestInit>(9).fill(chunk(full, false)),
      /hold 9437184 bytes or more; 8388608 were agreed on/,
    ],
    "that another frame cuts off": [
      {},
      [chunk(full, false), { case: "handBack", value: {} }],
      /another frame came after 1048576 bytes of one that is not whole/,
    ],
    "that an answer cuts off": [
      {},
      [chunk(full, false), { case: "result", value: { dispatchId: 7n } }],
      /is not whole/,
    ],
    "in a chunk": [{}, chunksOf(encoded(chunk(full, true)), 700 * KIB), /cut a frame once/],
    "of a hello": [{}, [chunk(encoded({ case: "hello", value: {} }), true)], /second hello/],
    "of bytes that are none": [
      {},
      [chunk(Buffer.alloc(20, 0xff), true)],
      /a frame is no outrigger/,
    ],
  };
  for (const [what, [hello, frames, said]] of Object.entries(rejected)) {
    it(`breaks the protocol ${what}`, () => {
      const stage = serving(hello);
      for (const frame of frames) stage.receive(frame);
      assert.match(stage.rejection, /^PROTOCOL_VIOLATION/);
      assert.match(stage.rejection, said);
      assert.deepEqual(stage.told.slice(1, -1), [], "the kernel was told of nothing");
    });
  }

  it("breaks the protocol before the welcome", () => {
    const first = new Stage();
    first.receive(chunk(full, false));
    assert.match(first.rejection, /first frame is chunk; it must be hello/);
  });
});

/** Frames and chunks of them, mixed and damaged: read, or refused; the kernel hears whole frames only. */
describe("chunks at random", () => {
  let state = 23;
  const random = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };

  it("are never believed where they are not whole, and fatal to nobody", () => {
    let refused = 0;
    let taken = 0;
    for (let round = 0; round < 400; round++) {
      const stage = serving();
      let whole = 0;
      for (let turn = 0; turn < 4 && !stage.isEnded; turn++) {
        const frames = chunksOf(answer(random(400 * KIB)), CHUNK_SIZES[random(4)] ?? 1);
        const damage = random(6);
        if (damage === 0) frames.splice(random(frames.length), 1);
        if (damage === 1) frames.push(frames[0] as RequestInit);
        if (damage === 2) frames.splice(random(frames.length), 0, { case: "log", value: {} });
        for (const frame of frames) {
          if (damage === 3) damaged(stage, encoded(frame), random);
          else stage.receive(frame);
        }
        if (damage > 3 && !stage.isEnded) whole += 1;
      }
      const answers = stage.told.filter((line) => line.startsWith("answered")).length;
      assert.ok(answers >= whole, "a frame that was whole was lost");
      if (stage.isEnded) refused += 1;
      taken += answers;
      if (stage.isEnded) assert.match(stage.rejection, /^PROTOCOL_VIOLATION/);
    }
    assert.ok(refused > 50 && taken > 50, `${refused} refused, ${taken} taken`);
  });
});

const CHUNK_SIZES = [64 * KIB, 100 * KIB, 300 * KIB, 1_000];

function damaged(stage: Stage, bytes: Buffer, random: (bound: number) => number): void {
  for (let i = 0; i <= random(4); i++) bytes[random(Math.min(bytes.length, 40))] = random(256);
  stage.receiveBytes(bytes.subarray(0, 1 + random(bytes.length)));
}
