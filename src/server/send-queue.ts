/** What frames are written to: the sending half of a gRPC stream. */
export interface FrameSink {
  /** False asks to wait for `drain`. `written`: the frame's bytes are not needed any more. */
  write(frame: Buffer, written?: () => void): boolean;
  end(): void;
}

interface Waiting {
  readonly frame: Buffer;
  readonly written: (() => void) | undefined;
}

/**
 * Frames on their way to one worker, in order. Holds back what the stream does not take, so that a
 * worker that reads slowly costs at most `bytesMax` here.
 */
export class SendQueue {
  readonly #sink: FrameSink;
  readonly #bytesMax: number;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isBlocked = false;

  constructor(sink: FrameSink, bytesMax: number) {
    this.#sink = sink;
    this.#bytesMax = bytesMax;
  }

  /** False, and the frame is dropped, when the worker has not read for too long. */
  send(frame: Buffer, written?: () => void): boolean {
    if (!this.#isBlocked) {
      this.#isBlocked = !this.#sink.write(frame, written);
      return true;
    }
    if (this.#waitingBytes + frame.length > this.#bytesMax && this.#waiting.length > 0)
      return false;
    this.#waiting.push({ frame, written });
    this.#waitingBytes += frame.length;
    return true;
  }

  drained(): void {
    this.#isBlocked = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { frame, written } of waiting) this.send(frame, written);
  }

  /** Sends `last` in place of what waits, and ends the stream. */
  end(last?: Buffer): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (last !== undefined) this.#sink.write(last);
    this.#sink.end();
  }
}
