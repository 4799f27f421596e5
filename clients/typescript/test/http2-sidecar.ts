import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type Connection, connect, type Ended } from "../src/connection.ts";
import type { ReceivedFrame } from "../src/received-batch.ts";

const folder = mkdtempSync(join(tmpdir(), "outrigger-sdk-"));
let sockets = 0;

/** Gone when the file's tests are. */
export const socketPath = (): string => join(folder, `${sockets++}.sock`);
after(() => rmSync(folder, { recursive: true, force: true }));

const open: (() => void)[] = [];
after(() => {
  for (const close of open) close();
});

export type OnStream = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  /** Cuts every connection, as a process that dies does. */
  cut: () => void,
) => void;

/** What answers at the address is the test's to say; at the level of HTTP/2. */
export async function serve(onStream: OnStream, window = 65_535): Promise<string> {
  const path = socketPath();
  const server = http2.createServer({ settings: { initialWindowSize: window } });
  const made = new Set<net.Socket>();
  const cut = (): void => {
    for (const socket of made) socket.destroy();
  };
  server.on("connection", (socket) => made.add(socket));
  server.on("session", (session) => {
    session.on("error", () => {});
    if (window > 65_535) session.setLocalWindowSize(window);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    onStream(stream, headers, cut);
  });
  await once(server.listen(path), "listening");
  open.push(() => {
    cut();
    server.close();
  });
  return `unix:${path}`;
}

/** The same at the level of bytes. */
export async function serveBytes(onSocket: (socket: net.Socket) => void): Promise<string> {
  const path = socketPath();
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    open.push(() => socket.destroy());
    onSocket(socket);
  });
  await once(server.listen(path), "listening");
  open.push(() => server.close());
  return `unix:${path}`;
}

export const ANSWER = { ":status": 200, "content-type": "application/grpc" };

/** Begins an answer of gRPC whose trailers are these. */
export function answer(stream: http2.ServerHttp2Stream, trailers: Record<string, string>): void {
  stream.respond(ANSWER, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
}

/** One stream, and the frames that came on it. */
export function dial(
  address: string,
  token?: string,
): { connection: Connection; frames: ReceivedFrame[]; ended: Promise<Ended> } {
  const frames: ReceivedFrame[] = [];
  const received = (frame: ReceivedFrame): void => void frames.push(frame);
  const connection = connect({ address, token, received });
  return { connection, frames, ended: connection.ended };
}

/** How a stream ends that a server treats so: its reason, and the code that is for good. */
export async function endOn(onStream: OnStream): Promise<[string, string | undefined]> {
  const { reason, fatal } = await dial(await serve(onStream)).ended;
  return [reason, fatal?.code];
}
