import { CHUNK_OVERHEAD_BYTES, encodeChunk } from "./chunks.ts";

/** What frames are written to: the sending half of a gRPC stream. */
export interface FrameSink {
  /** False asks to wait for `drain`. `written`: the frame's bytes are not needed any more. */
  write(frame: Buffer, written?: () => void): boolean;
  end(): void;
}

interface Waiting {
  readonly frame: Buffer;
  readonly written: (() => void) | undefined;
  /** Bytes of it that have gone out in chunks. */
  readonly sent: number;
}

/**
 * Frames on their way to one worker, in order. Holds back what the stream does not take, so that a
 * worker that reads slowly costs at most `bytesMax` here. A frame above the worker's limit is cut into
 * chunks, each of them only when the one before it is written.
 */
export class SendQueue {
  readonly #sink: FrameSink;
  #bytesMax: number;
  #frameBytesMax = Number.POSITIVE_INFINITY;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isBlocked = false;

  constructor(sink: FrameSink, bytesMax: number) {
    this.#sink = sink;
    this.#bytesMax = bytesMax;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** From now on frames above `frameBytesMax` go out in chunks. */
  agree(frameBytesMax: number, bytesMax: number): void {
    this.#frameBytesMax = frameBytesMax;
    this.#bytesMax = bytesMax;
  }

  /** False, and the frame is dropped, when the worker has not read for too long. */
  send(frame: Buffer, written?: () => void): boolean {
    if (!this.#isBlocked && frame.length <= this.#frameBytesMax) {
      this.#isBlocked = !this.#sink.write(frame, written);
      return true;
    }
    if (this.#waitingBytes + frame.length > this.#bytesMax && this.#waiting.length > 0)
      return false;
    this.#sendFrom({ frame, written, sent: 0 });
    return true;
  }

  drained(): void {
    this.#isBlocked = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const each of waiting) this.#sendFrom(each);
  }

  /** Sends `last` in place of what waits, and ends the stream. */
  end(last?: Buffer): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (last !== undefined) this.#sink.write(last);
    this.#sink.end();
  }

  /** Writes what the stream takes, or the next chunk; the rest waits. */
  #sendFrom({ frame, written, sent }: Waiting): void {
    if (this.#isBlocked) {
      this.#wait({ frame, written, sent });
    } else if (frame.length <= this.#frameBytesMax) {
      this.#isBlocked = !this.#sink.write(frame, written);
    } else {
      const to = Math.min(frame.length, sent + this.#frameBytesMax - CHUNK_OVERHEAD_BYTES);
      const chunk = encodeChunk(frame, sent, to);
      if (to < frame.length) this.#wait({ frame, written, sent: to });
      else written?.();
      // A stream counts frames and not bytes before it says that it is full: so one chunk at a time.
      this.#isBlocked = true;
      this.#sink.write(chunk, () => this.drained());
    }
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#waitingBytes += waiting.frame.length;
  }
}
