import http2 from "node:http2";
import net from "node:net";
import { addressOf } from "./grpc-address.ts";
import { Call } from "./grpc-call.ts";
import { nameOfReset } from "./grpc-status.ts";
import { WINDOW_BYTES_DEFAULT, windowBytes } from "./grpc-window.ts";
import { SDK_VERSION } from "./version.ts";

export interface CallOptions {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly token: string | undefined;
  /** The largest message that is taken; what is larger ends the call. */
  readonly messageBytesMax: number;
  readonly received: (message: Buffer) => void;
}

/** How long whoever listens may take to speak HTTP/2. */
const CONNECT_TIMEOUT_MS = 20_000;
/** How long a peer may take to close a connection that is done with. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * One connection to a sidecar, for as many calls as wanted. It is not made again: whoever wants another
 * makes another. Keeps its process alive while a call is open.
 */
export class Channel {
  readonly #address: string;
  readonly #authority: string;
  readonly #socket: net.Socket;
  readonly #session: http2.ClientHttp2Session;
  #calls = 0;
  #isConnected = false;
  /** Why there is no connection, or none any more. */
  #fault: string | null = null;

  /** Throws an Error where the address is none. */
  constructor(address: string) {
    const { socket: options, isUnix, authority } = addressOf(address);
    this.#address = address;
    this.#authority = authority;
    const socket = net.connect(options);
    this.#socket = socket;
    const window = windowBytes(isUnix);
    this.#session = http2.connect("http://localhost", {
      createConnection: () => socket,
      settings: { initialWindowSize: window, enablePush: false },
      // A result that is larger than the default of 10 MB waits in memory for its turn.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    });
    this.#listen(window);
  }

  #listen(window: number): void {
    const session = this.#session;
    const late = new Error(`nobody speaks HTTP/2 there, for ${CONNECT_TIMEOUT_MS} ms`);
    const timer = setTimeout(() => session.destroy(late), CONNECT_TIMEOUT_MS).unref();
    session.once("connect", () => {
      // Not where the connection was given up while it was being made.
      if (window > WINDOW_BYTES_DEFAULT && !session.destroyed) session.setLocalWindowSize(window);
    });
    session.once("remoteSettings", () => {
      this.#isConnected = true;
      clearTimeout(timer);
    });
    session.once("close", () => clearTimeout(timer));
    session.on("goaway", (code) => {
      this.#fault ??= `the sidecar gave up the connection (GOAWAY, ${nameOfReset(code)})`;
    });
    session.on("error", (error) => this.#failed(error));
    this.#socket.on("error", (error) => this.#failed(error));
  }

  #failed(error: Error): void {
    const what = this.#isConnected ? "the connection was lost" : `no sidecar at ${this.#address}`;
    this.#fault ??= `${what}: ${wordsOf(error)}`;
  }

  call({ path, token, messageBytesMax, received }: CallOptions): Call {
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      ":authority": this.#authority,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": `grpc-node-outrigger/${SDK_VERSION}`,
      ...(token === undefined || token === "" ? {} : { "outrigger-token": token }),
    });
    const call = new Call(stream, messageBytesMax, received, (error) => this.#faultNow(error));
    this.#calls += 1;
    this.#socket.ref();
    void call.ended.then(() => {
      this.#calls -= 1;
      if (this.#calls === 0) this.#socket.unref();
    });
    return call;
  }

  /** Why the connection has gone; null while it stands. A stream may know before. */
  #faultNow(error: Error | null): string | null {
    if (error !== null) this.#failed(error);
    if (this.#fault !== null || !this.#socket.destroyed) return this.#fault;
    return this.#isConnected ? "the connection was lost" : `no sidecar at ${this.#address}`;
  }

  /** Closes the connection behind calls that have ended; at once where none was made yet. */
  close(): void {
    if (!this.#isConnected) {
      this.#session.destroy();
      this.#socket.destroy();
      return;
    }
    this.#session.close();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS).unref();
    this.#socket.once("close", () => clearTimeout(timer));
  }
}

/** What is the cause, or, where a name has several addresses, what was wrong with each. */
export function wordsOf(error: Error): string {
  if (error.cause instanceof Error) return wordsOf(error.cause);
  if (!(error instanceof AggregateError)) return error.message;
  return error.errors.map(({ message }: Error) => message).join(", ");
}
