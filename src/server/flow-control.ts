import { readFileSync } from "node:fs";
import http2 from "node:http2";

/**
 * HTTP/2's window for a stream and for a connection, of what the sidecar receives. Node's HTTP/2 stops
 * reading its socket while a write is under way; where both peers are Node and each has more unsent
 * bytes than the socket's buffer holds, neither ever reads again. Within this window, what a worker has
 * sent unread fits the buffer, so its writes end and it reads, whatever its own window is. It
 * carries a whole result of 1,000 small records, which the default of 64 KiB cuts in two.
 */
const WINDOW_BYTES = 128 * 1024;
/** For a peer that reads while it writes: what it sends while the sidecar is at something else. */
const WINDOW_BYTES_WIDE = 1024 * 1024;
/** gRPC's libraries that were seen to: by what they call themselves in `user-agent`. */
const ALWAYS_READS = /^grpc-(go|java|python)\b/;
/** What every HTTP/2 peer starts with. */
const WINDOW_BYTES_DEFAULT = 65_535;
/** Linux' usual send buffer, with which the window was tried; below it the default window stays. */
const SEND_BUFFER_BYTES_MIN = 212_992;

/** The window that this host's socket buffers allow. */
export function windowBytes(): number {
  if (process.platform !== "linux") return WINDOW_BYTES;
  try {
    const sendBuffer = Number(readFileSync("/proc/sys/net/core/wmem_default", "utf8"));
    return sendBuffer < SEND_BUFFER_BYTES_MIN ? WINDOW_BYTES_DEFAULT : WINDOW_BYTES;
  } catch {
    return WINDOW_BYTES_DEFAULT;
  }
}

/** Widens the window of a connection whose peer cannot be stopped from reading by writing. */
export function widenWindow(
  session: http2.Http2Session | undefined,
  userAgent: string | undefined,
): void {
  if (session === undefined || session.destroyed || !ALWAYS_READS.test(userAgent ?? "")) return;
  session.setLocalWindowSize(WINDOW_BYTES_WIDE);
  session.settings({ initialWindowSize: WINDOW_BYTES_WIDE });
}

let lastBind: Promise<unknown> = Promise.resolve();

/** Takes a stream, or leaves it to gRPC's library: false. */
export type StreamTaker = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
) => boolean;

/**
 * Runs `bind` so that the HTTP/2 server made in it uses `window`, and asks `take` about each stream first.
 * grpc-js ignores its window option on the server's side, and reads and writes all streams itself, so the
 * constructor is wrapped for as long as the binding takes. Both settings are needed: that of streams, and
 * that of the connection.
 */
export function withHttp2<T>(
  window: number,
  take: StreamTaker,
  bind: () => Promise<T>,
): Promise<T> {
  const bound = lastBind.then(() => wrapped(window, take, bind));
  lastBind = bound.catch(() => {});
  return bound;
}

async function wrapped<T>(window: number, take: StreamTaker, bind: () => Promise<T>): Promise<T> {
  const { createServer } = http2;
  const create = (options: http2.ServerOptions = {}): http2.Http2Server => {
    const settings = { ...options.settings, initialWindowSize: window };
    const server = createServer({ ...options, settings });
    server.on("session", (session) => session.setLocalWindowSize(window));
    const emit = server.emit.bind(server);
    // A listener of ours would not keep the library's from hearing of the stream.
    server.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      const [stream, headers] = args as Parameters<StreamTaker>;
      return (event === "stream" && take(stream, headers)) || emit(event, ...args);
    };
    return server;
  };
  Object.assign(http2, { createServer: create });
  try {
    return await bind();
  } finally {
    Object.assign(http2, { createServer });
  }
}
