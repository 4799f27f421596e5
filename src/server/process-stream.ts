import type { ServerHttp2Stream } from "node:http2";
import { MessageReader, prefixOf, StreamFault } from "./message-reader.ts";
import type { FrameSink } from "./send-queue.ts";

/** A status of gRPC, with words. */
export interface StreamStatus {
  readonly code: number;
  readonly details: string;
}

export interface ProcessListener {
  readonly received: (message: Buffer) => void;
  readonly drained: () => void;
  /** Maybe more than once. */
  readonly ended: (reason: string) => void;
}

const INTERNAL = 13;
/** Above, frames wait with us, where what is dropped with a worker was not handed over yet. */
const WRITING_BYTES_MAX = 1024 * 1024;
const HEADERS = { ":status": 200, "content-type": "application/grpc+proto" };

/** Answers a call with nothing but a status (gRPC's Trailers-Only). */
export function refuseStream(stream: ServerHttp2Stream, { code, details }: StreamStatus): void {
  stream.on("error", () => {});
  stream.respond({ ...HEADERS, ...trailersOf({ code, details }) }, { endStream: true });
  stream.resume();
}

/**
 * One call of a method that streams both ways, over the HTTP/2 of Node: gRPC adds five bytes to each
 * message and a status at the end (docs/adr/0033-frames-without-copies.md). Frames are written as they
 * are, and must not change before they are `written`.
 */
export class ProcessStream implements FrameSink {
  readonly #stream: ServerHttp2Stream;
  readonly #reader: MessageReader;
  readonly #listener: ProcessListener;
  #status: StreamStatus = { code: 0, details: "" };
  #writingBytes = 0;
  #isBlocked = false;
  #isFaulty = false;

  /** `bytesMax` bounds a message that is received. */
  constructor(stream: ServerHttp2Stream, bytesMax: number, listener: ProcessListener) {
    this.#stream = stream;
    this.#reader = new MessageReader(bytesMax);
    this.#listener = listener;
    stream.on("data", (piece: Buffer) => this.#take(piece));
    stream.on("end", () => this.#peerEnded());
    stream.on("error", (error) => listener.ended(error.message));
    stream.on("aborted", () => listener.ended("the connection was lost"));
    stream.on("close", () => listener.ended("the connection was lost"));
    stream.on("wantTrailers", () => stream.sendTrailers(trailersOf(this.#status)));
    stream.respond(HEADERS, { waitForTrailers: true });
  }

  write(frame: Buffer, written?: () => void): boolean {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) {
      written?.();
      return true;
    }
    this.#writingBytes += frame.length;
    stream.cork();
    stream.write(prefixOf(frame.length));
    stream.write(frame, () => {
      this.#writingBytes -= frame.length;
      written?.();
      if (!this.#isBlocked || this.#writingBytes > WRITING_BYTES_MAX / 2) return;
      this.#isBlocked = false;
      this.#listener.drained();
    });
    stream.uncork();
    this.#isBlocked = this.#writingBytes > WRITING_BYTES_MAX;
    return !this.#isBlocked;
  }

  end(): void {
    if (!this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.end();
  }

  #take(piece: Buffer): void {
    if (this.#isFaulty) return;
    try {
      for (const message of this.#reader.read(piece)) this.#listener.received(message);
    } catch (thrown) {
      if (!(thrown instanceof StreamFault)) throw thrown;
      this.#fail({ code: thrown.code, details: thrown.message });
    }
  }

  #peerEnded(): void {
    // What is wrong with it has been said already.
    if (this.#isFaulty) return;
    if (this.#reader.isBetween) this.#listener.ended("the worker closed its stream");
    else this.#fail({ code: INTERNAL, details: "the stream ended in the midst of a frame" });
  }

  #fail(status: StreamStatus): void {
    this.#isFaulty = true;
    this.#status = status;
    this.#listener.ended(status.details);
    this.end();
  }
}

function trailersOf({ code, details }: StreamStatus): Record<string, string> {
  if (details === "") return { "grpc-status": String(code) };
  return { "grpc-status": String(code), "grpc-message": encodeURI(details) };
}
