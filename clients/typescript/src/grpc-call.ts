import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { MessageReader } from "./grpc-messages.ts";
import {
  CANCELLED,
  INTERNAL,
  nameOfReset,
  type Status,
  statusIn,
  statusOfHttp,
  UNAVAILABLE,
  UNKNOWN,
} from "./grpc-status.ts";

/** How long behind the end of an answer its reset may come. */
const RESET_TIMEOUT_MS = 100;

/**
 * One call of gRPC over a stream of HTTP/2: messages in, messages out, and how it ended.
 *
 *   open ──status, reset, fault, lost connection, cancel──▶ ended
 */
export class Call {
  /** Resolves when nothing more will come. */
  readonly ended: Promise<Status>;
  readonly #stream: ClientHttp2Stream;
  readonly #reader: MessageReader;
  readonly #faultOfConnection: (error: Error | null) => string | null;
  #resolve: (status: Status) => void = () => {};
  #isOver = false;
  /** As trailers say it, or headers that are trailers, too. */
  #status: Status | null = null;
  /** What to say without a status, where the answer is not gRPC's. */
  #http: Status | null = null;
  #error: Error | null = null;

  constructor(
    stream: ClientHttp2Stream,
    messageBytesMax: number,
    received: (message: Buffer) => void,
    faultOfConnection: (error: Error | null) => string | null,
  ) {
    this.#stream = stream;
    this.#reader = new MessageReader(messageBytesMax, (message) => {
      if (!this.#isOver) received(message);
    });
    this.#faultOfConnection = faultOfConnection;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    stream.on("response", (headers) => {
      this.#status = statusIn(headers);
      this.#http = statusOfHttp(headers);
    });
    stream.on("trailers", (headers: IncomingHttpHeaders) => {
      this.#status ??= statusIn(headers);
    });
    stream.on("data", (piece: Buffer) => this.#take(piece));
    const over = (): void => this.#over(this.#statusNow());
    // Trailers are told of before the end. An end without them may be a reset's first half; should it be
    // all, nothing else comes, because our own half is open.
    stream.on("end", () => {
      if (this.#status === null) setTimeout(over, RESET_TIMEOUT_MS);
      else over();
    });
    // A lost connection is told of to its streams before it is itself.
    stream.on("close", () => setImmediate(over));
    // A reset is an error, too, whose code the stream keeps; else it is the connection's.
    stream.on("error", (error: Error & { readonly code?: string }) => {
      if (error.code !== "ERR_HTTP2_STREAM_ERROR") this.#error ??= error;
    });
  }

  get isOpen(): boolean {
    return !this.#isOver && !this.#stream.closed && !this.#stream.writableEnded;
  }

  /**
   * Sends a message, its prefix included. Its bytes must stay as they are until `written`, which is not
   * called where the call ended before.
   */
  write(message: Uint8Array, written?: () => void): void {
    if (written === undefined) this.#stream.write(message);
    else this.#stream.write(message, (error) => (error ? undefined : written()));
  }

  /** Half-closes after what was written. */
  end(): void {
    if (this.isOpen) this.#stream.end();
  }

  cancel(reason: string): void {
    this.#break({ code: CANCELLED, details: reason });
  }

  #take(piece: Buffer): void {
    if (this.#isOver || this.#http !== null) return;
    try {
      this.#reader.take(piece);
    } catch (error: unknown) {
      this.#break({ code: INTERNAL, details: error instanceof Error ? error.message : `${error}` });
    }
  }

  #break(status: Status): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#over(status);
  }

  #over(status: Status): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#stream.closed && !this.#stream.writableEnded) this.#stream.end();
    this.#resolve(status);
  }

  #statusNow(): Status {
    if (this.#status !== null) return this.#status;
    const fault = this.#faultOfConnection(this.#error);
    if (fault !== null) return { code: UNAVAILABLE, details: fault };
    if (this.#http !== null) return this.#http;
    const { rstCode } = this.#stream;
    if (rstCode !== undefined && rstCode !== constants.NGHTTP2_NO_ERROR) {
      const code = rstCode === constants.NGHTTP2_REFUSED_STREAM ? UNAVAILABLE : UNKNOWN;
      return { code, details: `the sidecar reset the stream (${nameOfReset(rstCode)})` };
    }
    const what = this.#reader.isAmidst ? "ended the stream amidst a message" : "ended the stream";
    return { code: UNKNOWN, details: `the sidecar ${what}, without a status` };
  }
}
