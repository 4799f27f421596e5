import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:http2";
import type net from "node:net";
import { describe, it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { connect } from "../src/connection.ts";
import { ProcessResponseSchema } from "../src/gen/outrigger/v1/processor_pb.ts";
import { wordsOf } from "../src/grpc-channel.ts";
import { prefixed } from "../src/grpc-messages.ts";
import { ANSWER, answer, dial, endOn, serve, serveBytes, socketPath } from "./http2-sidecar.ts";

const drain = (): Buffer => {
  const frame = { case: "drain" as const, value: {} };
  return prefixed(toBinary(ProcessResponseSchema, create(ProcessResponseSchema, { frame })));
};

/** Long, and before a connection that is done with is cut. */
const RESET_WITHIN_MS = 1_500;

describe("a stream that the sidecar ends", () => {
  it("says what its status says, percent-decoded, in trailers", async () => {
    const ended = await endOn((stream) => {
      answer(stream, { "grpc-status": "14", "grpc-message": "f%C3%BCr 100%25, a/b%2Fc" });
      stream.end();
    });
    assert.deepEqual(ended, ["für 100%, a/b/c", undefined]);
  });

  it("says it as it came where it is not percent-encoded", async () => {
    const ended = await endOn((stream) => {
      answer(stream, { "grpc-status": "8", "grpc-message": "100% full" });
      stream.end();
    });
    assert.deepEqual(ended, ["100% full", undefined]);
  });

  it("says it where the headers are the trailers", async () => {
    for (const [status, code] of [
      ["16", "UNAUTHENTICATED"],
      ["12", "PROTOCOL_VERSION"],
      ["13", undefined],
    ] as const) {
      const [reason, fatal] = await endOn((stream) =>
        stream.respond(
          { ...ANSWER, "grpc-status": status, "grpc-message": "no%20token" },
          { endStream: true },
        ),
      );
      assert.deepEqual([reason, fatal], ["no token", code]);
    }
  });

  it("is told of by number where it says nothing, or something that is no number", async () => {
    for (const [status, said] of [
      ["9", /ended the stream with status 9$/],
      ["?", /ended the stream with status 2$/],
    ] as const) {
      const [reason] = await endOn((stream) => {
        answer(stream, { "grpc-status": status });
        stream.end();
      });
      assert.match(reason, said);
    }
  });

  it("was closed where all is well, behind every frame", async () => {
    const address = await serve((stream) => {
      answer(stream, { "grpc-status": "0" });
      for (let each = 0; each < 100; each++) stream.write(drain());
      stream.end();
    });
    const { frames, ended } = dial(address);
    assert.deepEqual(await ended, { reason: "the sidecar closed the stream", fatal: null });
    assert.equal(frames.length, 100);
  });

  it("without trailers, or amidst a message, is lost", async () => {
    const [reason] = await endOn((stream) => {
      stream.respond(ANSWER);
      stream.end(drain());
    });
    assert.equal(reason, "the sidecar ended the stream, without a status");
    const [amidst] = await endOn((stream) => {
      stream.respond(ANSWER);
      stream.end(drain().subarray(0, 4));
    });
    assert.equal(amidst, "the sidecar ended the stream amidst a message, without a status");
  });

  it("by a reset says which", async () => {
    for (const name of ["REFUSED_STREAM", "CANCEL", "INTERNAL_ERROR", "NO_ERROR"] as const) {
      const [reason] = await endOn((stream) => {
        stream.respond(ANSWER);
        stream.write(drain());
        setTimeout(() => stream.close(constants[`NGHTTP2_${name}`]), 20);
      });
      const said = name === "NO_ERROR" ? "ended the stream, without" : `reset the stream (${name})`;
      assert.ok(reason.startsWith(`the sidecar ${said}`), reason);
    }
  });

  it("by giving up the connection says why; one that is only closing goes on", async () => {
    const [reason] = await endOn((stream) => {
      stream.respond(ANSWER);
      stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    assert.equal(reason, "the sidecar gave up the connection (GOAWAY, ENHANCE_YOUR_CALM)");
    const address = await serve((stream) => {
      answer(stream, { "grpc-status": "0" });
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
      setTimeout(() => stream.end(drain()), 20);
    });
    const { frames, ended } = dial(address);
    assert.equal((await ended).reason, "the sidecar closed the stream");
    assert.equal(frames.length, 1);
  });

  it("by dying says that the connection was lost", async () => {
    const [reason, fatal] = await endOn((stream, _headers, cut) => {
      stream.respond(ANSWER);
      stream.write(drain(), cut);
    });
    assert.match(reason, /^the connection was lost/);
    assert.equal(fatal, undefined);
  });
});

describe("a stream to something else", () => {
  it("says the status of HTTP where there is none of gRPC", async () => {
    for (const [status, code] of [
      [404, "PROTOCOL_VERSION"],
      [401, "UNAUTHENTICATED"],
      [503, undefined],
    ] as const) {
      const [reason, fatal] = await endOn((stream) => {
        stream.respond({ ":status": status, "content-type": "text/html" });
        stream.end("<html>".repeat(9_999));
      });
      assert.deepEqual([reason, fatal], [`the answer is HTTP status ${status}`, code]);
    }
  });

  it("says the type of what is not gRPC's", async () => {
    const [reason] = await endOn((stream) => {
      stream.respond({ ":status": 200, "content-type": "text/html" });
      stream.end("<html>");
    });
    assert.equal(reason, 'the answer is of the type "text/html", which is not gRPC\'s');
  });

  it("ends at a message that is compressed, too large or no frame, and is reset", async () => {
    for (const [message, said] of [
      [Buffer.from([1, 0, 0, 0, 1, 7]), /of 1 bytes came compressed, which nobody asked for/],
      [Buffer.from([0, 1, 0, 0, 0]), /of 16777216 bytes came, the most is 4194304/],
      [prefixed(Buffer.from([0xff])), /no outrigger\.v1\.ProcessResponse/],
    ] as const) {
      let reset: Promise<unknown> = Promise.resolve();
      const [reason, fatal] = await endOn((stream) => {
        const begun = performance.now();
        reset = once(stream, "close").then(() => [
          stream.rstCode,
          performance.now() - begun < RESET_WITHIN_MS,
        ]);
        stream.respond(ANSWER);
        stream.write(message);
      });
      assert.match(reason, said);
      assert.equal(fatal, undefined);
      assert.deepEqual(await reset, [constants.NGHTTP2_CANCEL, true]);
    }
  });

  it("hands on nothing behind what ended it", async () => {
    const address = await serve((stream) => {
      stream.respond(ANSWER);
      stream.write(Buffer.concat([drain(), prefixed(Buffer.from([0xff])), drain()]));
    });
    const { frames, ended } = dial(address);
    await ended;
    assert.equal(frames.length, 1);
  });

  it("that speaks another protocol, or hangs up, or is not there, has the reason in it", async () => {
    const other = await serveBytes((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const gone = await serveBytes((socket) => socket.destroy());
    const missing = `unix:${socketPath()}`;
    for (const [address, said] of [
      [other, /^no sidecar at unix:.*Protocol error$/],
      [gone, /^no sidecar at unix:\S+sock(: .*)?$/],
      [missing, /^no sidecar at unix:\S+: connect ENOENT \S+sock$/],
      ["127.0.0.1:1", /^no sidecar at 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1$/],
      ["localhost:1", /^no sidecar at localhost:1: .*ECONNREFUSED/],
    ] as const) {
      const { reason, fatal } = await dial(address).ended;
      assert.match(reason, said);
      assert.equal(fatal, null);
    }
  });

  it("that says nothing is given up after a while", async (t) => {
    const address = await serveBytes(() => {});
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { ended } = dial(address);
    t.mock.timers.tick(20_000);
    assert.match((await ended).reason, /nobody speaks HTTP\/2 there, for 20000 ms$/);
  });
});

describe("a stream that the application ends", () => {
  it("is half-closed behind what was sent, and the sidecar has the last word", async () => {
    const said: string[] = [];
    const address = await serve((stream) => {
      answer(stream, { "grpc-status": "0" });
      stream.on("data", () => said.push("data"));
      stream.on("end", () => {
        said.push("end");
        stream.end(drain());
      });
    });
    const { connection, frames, ended } = dial(address);
    connection.send({ case: "log", value: { message: "x" } });
    connection.end();
    connection.send({ case: "log", value: { message: "behind the end" } });
    assert.equal((await ended).reason, "the sidecar closed the stream");
    assert.deepEqual(said, ["data", "end"]);
    assert.equal(frames.length, 1);
  });

  it("is given up where the sidecar does not end it", async (t) => {
    const address = await serve((stream) => stream.respond(ANSWER));
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { connection, ended } = dial(address);
    connection.end();
    t.mock.timers.tick(2_000);
    assert.equal((await ended).reason, "the sidecar did not end the stream within 2000 ms");
  });

  it("at once leaves nothing open, whether a connection was made or not", async () => {
    const closed: Promise<unknown>[] = [];
    let reached: () => void = () => {};
    const isReached = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const address = await serve((stream) => {
      closed.push(once(stream.session as NonNullable<typeof stream.session>, "close"));
      stream.respond(ANSWER);
      reached();
    });
    const made = dial(address);
    await isReached;
    const early = dial(address);
    for (const { connection, ended } of [made, early]) {
      connection.cancel();
      assert.equal((await ended).reason, "the application ended the stream");
    }
    await Promise.all(closed);
  });

  it("in the midst of a piece hears nothing of the rest of it", async () => {
    const address = await serve((stream) => {
      stream.respond(ANSWER);
      stream.write(Buffer.concat([drain(), drain(), drain()]));
    });
    let frames = 0;
    const connection = connect({
      address,
      token: undefined,
      received: () => {
        frames += 1;
        connection.cancel();
      },
    });
    await connection.ended;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(frames, 1);
  });

  it("keeps no process from ending, whatever the peer does then", async () => {
    const sockets: net.Socket[] = [];
    const address = await serveBytes((socket) => sockets.push(socket.pause()));
    const { connection, ended } = dial(address);
    while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    connection.cancel();
    await ended;
    sockets[0]?.resume();
    await once(sockets[0] as net.Socket, "close");
  });
});

describe("a channel", () => {
  it("says what was wrong with each of a name's addresses, and what the cause is", () => {
    const each = [new Error("refused ::1"), new Error("refused 127.0.0.1")];
    assert.equal(wordsOf(new AggregateError(each)), "refused ::1, refused 127.0.0.1");
    assert.equal(wordsOf(new Error("cancelled", { cause: each[0] })), "refused ::1");
  });

  it("that nobody closes keeps no process from ending once its calls are done", async () => {
    const address = await serve((stream) => {
      answer(stream, { "grpc-status": "0" });
      stream.end();
    });
    const [channel, from] = ["../src/grpc-channel.ts", import.meta.url];
    const script = `
      const { Channel } = await import(${JSON.stringify(new URL(channel, from).href)});
      const options = { path: "/a/b", messageBytesMax: 1, received: () => {} };
      const call = new Channel(${JSON.stringify(address)}).call(options);
      call.end();
      process.stdout.write(String((await call.ended).code));
    `;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const said: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => said.push(text));
    const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    const [code] = await once(child, "close");
    clearTimeout(killer);
    assert.deepEqual([said.join(""), code], ["0", 0]);
  });
});
