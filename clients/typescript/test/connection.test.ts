import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import { connect } from "../src/connection.ts";
import { ProcessRequestSchema } from "../src/gen/outrigger/v1/processor_pb.ts";
import { ResultFrames } from "../src/result-frame.ts";
import { METHOD } from "./process-method.ts";

const RESULTS = 60;
const VALUE_BYTES = 60_000;

type Stream = grpc.ServerDuplexStream<Buffer, Buffer>;

/** Takes results, not at once: what they say is looked at as they come. */
async function receiving(address: string): Promise<{ server: grpc.Server; read: number[] }> {
  const read: number[] = [];
  const server = new grpc.Server();
  server.addService(
    { Process: METHOD },
    {
      Process: (stream: Stream) => {
        stream.pause();
        setTimeout(() => stream.resume(), 50);
        stream.on("data", (bytes: Buffer) => {
          const { frame } = fromBinary(ProcessRequestSchema, bytes);
          assert.ok(frame.case === "result");
          const [value = new Uint8Array()] = frame.value.outputs?.values ?? [];
          const number = Number(frame.value.dispatchId);
          assert.ok(
            value.length === VALUE_BYTES && value.every((byte) => byte === number),
            `result ${number} came with the bytes of another`,
          );
          read.push(number);
        });
        stream.on("end", () => stream.end());
      },
    },
  );
  await new Promise<void>((bound, failed) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) =>
      error === null ? bound() : failed(error),
    );
  });
  return { server, read };
}

test("a result's bytes are used again when they have been sent, and not before", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-sdk-"));
  const address = `unix:${join(folder, "s.sock")}`;
  const { server, read } = await receiving(address);
  t.after(() => {
    server.forceShutdown();
    rmSync(folder, { recursive: true });
  });
  const connection = connect({ address, token: undefined, received: () => {} });
  const frames = new ResultFrames();
  const made = new Set<unknown>();
  let released = 0;
  for (let number = 1; number <= RESULTS; number++) {
    const frame = frames.take();
    made.add(frame);
    frame.outputs.add(0, 0, null, Buffer.alloc(VALUE_BYTES, number), 0, 0, null);
    const named = { dispatchId: BigInt(number), taskEpoch: 1, taskId: "0_0", done: 1 };
    const message = frame.encode({ ...named, mutations: [], rest: null });
    const sent = (): void => {
      frame.release();
      released += 1;
    };
    connection.send({ case: "result", message, sent });
    // Ten at a time, of which one has been sent when the next ten begin.
    while (released < number - 9) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  connection.end();
  const { reason, fatal } = await connection.ended;
  assert.equal(fatal, null, reason);
  assert.deepEqual(
    read,
    [...Array(RESULTS).keys()].map((index) => index + 1),
  );
  assert.ok(made.size < RESULTS, `all of ${RESULTS} results had a frame of their own`);
});
