import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Chunks, type SentFrame } from "../src/chunks.ts";
import {
  ProcessRequestSchema,
  ProcessResponseSchema,
} from "../src/gen/outrigger/v1/processor_pb.ts";
import { PREFIX_BYTES } from "../src/grpc-messages.ts";
import { decodeFrame, type ReceivedFrame } from "../src/received-batch.ts";

const MIB = 1024 * 1024;

type ResponseFrame = NonNullable<MessageInitShape<typeof ProcessResponseSchema>["frame"]>;

function encoded(frame: ResponseFrame): Buffer {
  return Buffer.from(toBinary(ProcessResponseSchema, create(ProcessResponseSchema, { frame })));
}

function response(frame: ResponseFrame): ReceivedFrame {
  return decodeFrame(encoded(frame));
}

function agreed(maxMessageBytes = 8 * MIB): Chunks {
  const chunks = new Chunks();
  chunks.incoming(response({ case: "welcome", value: { maxFrameBytes: MIB, maxMessageBytes } }));
  return chunks;
}

function log(bytes: number): SentFrame {
  return { case: "log", value: { message: "x".repeat(bytes) } };
}

function batch(bytes: number): Uint8Array {
  const segments = [{ keys: [Buffer.from("k")], values: [Buffer.alloc(bytes, 3)] }];
  return encoded({ case: "batch", value: { taskId: "0_0", segments } });
}

const chunk = (data: Uint8Array, last: boolean): ReceivedFrame =>
  response({ case: "chunk", value: { data, last } });

describe("frames that go out", () => {
  it("go as they are where they fit, and in chunks that fit where they do not", () => {
    for (const bytes of [MIB - 40, MIB, 3 * MIB + 5]) {
      const messages = agreed().outgoing(log(bytes));
      const frames = messages.map((message) => message.subarray(PREFIX_BYTES));
      assert.equal(frames.length, Math.ceil((bytes + 10) / (MIB - 16)));
      for (const frame of frames) assert.ok(frame.length <= MIB, `${frame.length} bytes`);
      if (frames.length === 1) continue;
      const pieces = frames.map((frame, index) => {
        const { frame: sent } = fromBinary(ProcessRequestSchema, frame);
        assert.ok(sent.case === "chunk");
        assert.equal(sent.value.last, index === frames.length - 1);
        return sent.value.data;
      });
      const whole = fromBinary(ProcessRequestSchema, Buffer.concat(pieces)).frame;
      assert.ok(whole.case === "log");
      assert.equal(whole.value.message.length, bytes);
    }
  });

  it("are refused above what was agreed on", () => {
    const said =
      /a log takes 83\d+ bytes, the sidecar takes 8388608: .*server\.max\.message\.bytes/;
    assert.throws(() => agreed().outgoing(log(8 * MIB)), said);
    assert.throws(() => agreed(0).outgoing(log(MIB)), /the sidecar takes 1048576/);
  });
});

describe("chunks that come in", () => {
  it("are a frame when the last has come, and the next one begins anew", () => {
    const chunks = agreed();
    for (const bytes of [MIB, 5 * MIB]) {
      const frame = batch(bytes);
      const half = Math.floor(frame.length / 2);
      assert.equal(chunks.incoming(chunk(frame.subarray(0, half), false)), null);
      const whole = chunks.incoming(chunk(frame.subarray(half), true));
      assert.ok(whole?.case === "batch");
      const [start = 0, end = 0] = whole.value.segments[0]?.values.spans ?? [];
      assert.equal(end - start, bytes);
    }
  });

  it("may be cut off by a reject, and by nothing else", () => {
    const chunks = agreed();
    chunks.incoming(chunk(batch(9), false));
    const drain = response({ case: "drain", value: {} });
    assert.throws(() => chunks.incoming(drain), /another frame after \d+ bytes of one in chunks/);
    const reject = response({ case: "reject", value: { code: "HANDLER_FAILED" } });
    assert.equal(chunks.incoming(reject), reject);
  });

  it("are refused where they were not agreed on, are empty, too large, or chunks themselves", () => {
    const full = Buffer.alloc(5 * MIB);
    assert.throws(() => new Chunks().incoming(chunk(full, false)), /0 were agreed on/);
    assert.throws(() => agreed().incoming(chunk(Buffer.alloc(0), false)), /0 bytes as a chunk/);
    const chunks = agreed();
    chunks.incoming(chunk(full, false));
    assert.throws(() => chunks.incoming(chunk(full, true)), /10485760 in all; 8388608 were agreed/);
    const nested = encoded({ case: "chunk", value: { data: batch(9), last: true } });
    assert.throws(() => agreed().incoming(chunk(nested, true)), /chunks of a chunk/);
  });
});
