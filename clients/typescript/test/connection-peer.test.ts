import assert from "node:assert/strict";
import type http2 from "node:http2";
import { after, describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import { connect, helloFrame } from "../src/connection.ts";
import {
  ProcessRequestSchema,
  ProcessResponseSchema,
} from "../src/gen/outrigger/v1/processor_pb.ts";
import { TopologySchema } from "../src/gen/outrigger/v1/topology_pb.ts";
import { prefixed } from "../src/grpc-messages.ts";
import { windowBytes } from "../src/grpc-window.ts";
import { elementOf } from "../src/received-batch.ts";
import { answer, dial, serve, socketPath } from "./http2-sidecar.ts";
import { METHOD } from "./process-method.ts";

const MIB = 1024 * 1024;
const SIDECAR_WINDOW_BYTES = 128 * 1024;
type Stream = grpc.ServerDuplexStream<Buffer, Buffer>;

const servers: grpc.Server[] = [];
after(() => {
  for (const server of servers) server.forceShutdown();
});

/** gRPC's own server for Node, which does with the stream what the test says. */
async function serveGrpc(at: string, onStream: (stream: Stream) => void): Promise<string> {
  const server = new grpc.Server({ "grpc.max_send_message_length": -1 });
  servers.push(server);
  server.addService({ Process: METHOD }, { Process: onStream });
  const port = await new Promise<number>((bound, failed) => {
    server.bindAsync(at, grpc.ServerCredentials.createInsecure(), (error, bindPort) =>
      error === null ? bound(bindPort) : failed(error),
    );
  });
  return at.replace(/:0$/, `:${port}`);
}

function batchOf(bytes: number, dispatchId: number): Buffer {
  const segments = [{ keys: [Buffer.alloc(1)], values: [Buffer.alloc(bytes, dispatchId)] }];
  const value = { taskId: "0_0", dispatchId: BigInt(dispatchId), segments };
  const frame = { case: "batch" as const, value };
  return Buffer.from(toBinary(ProcessResponseSchema, create(ProcessResponseSchema, { frame })));
}

describe("gRPC's own server", () => {
  for (const at of [`unix:${socketPath()}`, "127.0.0.1:0"]) {
    it(`sends and gets what was meant, of every size, over ${at.split(":")[0]}`, async () => {
      const sizes = [0, 1, 100, 16_384, 65_535, 200_000, MIB, 4 * MIB - 200, 7];
      const [got, tokens]: [string[], unknown[]] = [[], []];
      const address = await serveGrpc(at, (stream) => {
        tokens.push(stream.metadata.get("outrigger-token")[0]);
        stream.on("data", (bytes: Buffer) => {
          const { frame } = fromBinary(ProcessRequestSchema, bytes);
          got.push(frame.case === "log" ? `log ${frame.value.message.length}` : `${frame.case}`);
        });
        stream.on("end", () => {
          for (const [index, size] of sizes.entries()) stream.write(batchOf(size, index));
          stream.emit("error", { code: grpc.status.ABORTED, details: "enough, 100 % für alle" });
        });
      });
      const { connection, frames, ended } = dial(address, "secret");
      connection.send(helloFrame(create(TopologySchema), "app"));
      for (const size of sizes) {
        connection.send({ case: "log", value: { message: "x".repeat(size) } });
      }
      connection.end();
      const { reason, fatal } = await ended;
      assert.deepEqual([reason, fatal], ["enough, 100 % für alle", null]);
      assert.deepEqual(got, ["hello", ...sizes.map((size) => `log ${size}`)]);
      assert.deepEqual(tokens, ["secret"]);
      const read = frames.map((frame) => {
        assert.ok(frame.case === "batch");
        const { dispatchId, segments } = frame.value;
        const [{ values } = assert.fail()] = segments;
        const bytes = elementOf(values, 0) ?? assert.fail();
        assert.ok(bytes.every((byte) => byte === Number(dispatchId)));
        return bytes.length;
      });
      assert.deepEqual(read, sizes);
    });
  }

  it("that refuses the token ends the application's run", async () => {
    const address = await serveGrpc(`unix:${socketPath()}`, (stream) => {
      stream.emit("error", { code: grpc.status.UNAUTHENTICATED, details: "what token?" });
    });
    const { fatal } = await dial(address).ended;
    assert.equal(fatal?.message, "UNAUTHENTICATED: what token?");
  });

  it("of another protocol is none of a sidecar", async () => {
    const other = new grpc.Server();
    servers.push(other);
    const at = `unix:${socketPath()}`;
    await new Promise((bound) =>
      other.bindAsync(at, grpc.ServerCredentials.createInsecure(), bound),
    );
    const { fatal } = await dial(at).ended;
    assert.match(String(fatal), /PROTOCOL_VERSION: what answers at this address is no sidecar/);
  });
});

describe("a request", () => {
  it("is gRPC's, with a token where there is one, and a window for the stream and all of them", async () => {
    const seen: http2.IncomingHttpHeaders[] = [];
    const windows: (number | undefined)[] = [];
    const address = await serve((stream, headers) => {
      seen.push(headers);
      windows.push(stream.session?.remoteSettings.initialWindowSize);
      answer(stream, { "grpc-status": "0" });
      stream.write("", () => {
        windows.push(stream.session?.state.remoteWindowSize);
        stream.end();
      });
    });
    await dial(address, "t0").ended;
    await dial(address).ended;
    const { ":authority": authority, ...rest } = seen[0] ?? {};
    assert.equal(authority, "localhost");
    const { [":path"]: path, [":method"]: method, [":scheme"]: scheme, te } = rest;
    assert.deepEqual(
      [method, scheme, path, te],
      ["POST", "http", "/outrigger.v1.ProcessorService/Process", "trailers"],
    );
    assert.equal(rest["content-type"], "application/grpc");
    assert.match(rest["user-agent"] ?? "", /^grpc-node-outrigger\/\d+\.\d+\.\d+$/);
    assert.deepEqual(
      seen.map((headers) => headers["outrigger-token"]),
      ["t0", undefined],
    );
    const window = windowBytes(true);
    assert.deepEqual(windows, [window, window, window, window]);
  });
});

describe("both ends, at full speed", () => {
  it("never wait for each other", async () => {
    const [batches, bytes] = [600, 60_000];
    let got = 0;
    const address = await serve((stream) => {
      answer(stream, { "grpc-status": "0" });
      for (let each = 0; each < batches; each++) stream.write(prefixed(batchOf(bytes, 1)));
      stream.on("data", (piece: Buffer) => {
        got += piece.length;
      });
      stream.on("end", () => stream.end());
    }, SIDECAR_WINDOW_BYTES);
    const message = "x".repeat(bytes);
    const frames = new Map<string | undefined, number>();
    const connection = connect({
      address,
      token: undefined,
      received: (frame) => {
        const count = (frames.get(frame.case) ?? 0) + 1;
        frames.set(frame.case, count);
        connection.send({ case: "log", value: { message } });
        if (count === batches) connection.end();
      },
    });
    assert.equal((await connection.ended).reason, "the sidecar closed the stream");
    assert.deepEqual([...frames], [["batch", batches]]);
    assert.ok(got > batches * bytes);
  });
});
