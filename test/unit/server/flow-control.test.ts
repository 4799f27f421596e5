import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import grpc from "@grpc/grpc-js";
import { widenWindow, windowBytes, withHttp2 } from "../../../src/server/flow-control.ts";

const MESSAGES = 64;
const MESSAGE_BYTES = 256 * 1024;
const PEER = new URL("./flow-control-peer.ts", import.meta.url).pathname;

/** Both sides write everything at once and only then read: 16 MiB outstanding each way. */
async function flood(address: string, window: number, peerWindow = window): Promise<number | null> {
  const same = (message: Buffer): Buffer => message;
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  const method = {
    path: "/test/Flood",
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const flooded = (call: grpc.ServerDuplexStream<Buffer, Buffer>): void => {
    for (let i = 0; i < MESSAGES; i++) call.write(Buffer.alloc(MESSAGE_BYTES));
    call.on("data", () => {});
    call.on("end", () => call.end());
  };
  server.addService({ flood: method }, { flood: flooded });
  const port = await withHttp2(
    window,
    () => false,
    () =>
      new Promise<number>((resolve, reject) => {
        server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      }),
  );
  const target = address.startsWith("unix:") ? address : `127.0.0.1:${port}`;
  const args = ["--import", "tsx", PEER, target, MESSAGES, MESSAGE_BYTES, peerWindow].map(String);
  const peer = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  try {
    const [code] = (await once(peer, "exit", { signal: AbortSignal.timeout(20_000) })) as [number];
    return code;
  } finally {
    peer.kill("SIGKILL");
    server.forceShutdown();
  }
}

it("lets two Node peers finish with 16 MiB outstanding each way, on a socket and on loopback", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-flow-"));
  const { createServer } = http2;
  try {
    assert.equal(await flood(`unix:${join(folder, "s")}`, windowBytes()), 0);
    assert.equal(await flood("127.0.0.1:0", windowBytes()), 0);
    const wide = 4 * 1024 * 1024;
    assert.equal(await flood(`unix:${join(folder, "w")}`, windowBytes(), wide), 0, "one wide side");
    assert.equal(await flood("127.0.0.1:0", windowBytes(), wide), 0, "one wide side");
    assert.ok(windowBytes() <= 128 * 1024, "larger windows deadlock");
    assert.equal(http2.createServer, createServer, "the wrapped constructor was left behind");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("gives 1 MiB to libraries that read while they write, and to no other", async () => {
  const windowOf = async (userAgent: string): Promise<number | undefined> => {
    const server = http2.createServer({ settings: { initialWindowSize: 128 * 1024 } });
    server.on("stream", (stream, headers) => {
      widenWindow(stream.session, headers["user-agent"]);
      stream.respond({ ":status": 200 }, { endStream: true });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const session = http2.connect(`http://127.0.0.1:${port}`);
    try {
      const stream = session.request({ ":path": "/", "user-agent": userAgent });
      stream.resume();
      await once(stream, "close");
      return session.remoteSettings.initialWindowSize;
    } finally {
      session.destroy();
      server.close();
    }
  };
  for (const name of [
    "grpc-go/1.76.0",
    "grpc-java-okhttp/1.78.0",
    "grpc-python/1.76.0 grpc-c/51.0.0",
  ]) {
    assert.equal(await windowOf(name), 1024 * 1024, name);
  }
  for (const name of ["grpc-node-js/1.14.7", "grpc-node-outrigger/0.1.0", "curl/8"]) {
    assert.equal(await windowOf(name), 128 * 1024, name);
  }
});
