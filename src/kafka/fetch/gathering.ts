/** Answers with less are little: a broker that is behind sends far more at a time. */
const LITTLE_BYTES = 64 * 1024;

/**
 * Fetches of a quiet input leave some ms apart, so that each brings what several would: a fetch costs a
 * round of every partition through the worker, whatever it brings, while nothing is visible before the
 * next commit. Whoever commits says until when (docs/adr/0030-fetches-that-gather.md).
 */
export class Gathering {
  #untilMs = 0;
  #gapMs = 0;
  #notBeforeMs = 0;

  /** Until `untilMs`, answers that brought little are `gapMs` apart. */
  until(untilMs: number, gapMs: number): void {
    this.#untilMs = untilMs;
    this.#gapMs = gapMs;
  }

  /** A fetch was answered with so many bytes of records. */
  answered(bytes: number, nowMs: number): void {
    const isLittle = bytes > 0 && bytes < LITTLE_BYTES;
    this.#notBeforeMs = isLittle ? Math.min(nowMs + this.#gapMs, this.#untilMs) : 0;
  }

  /** A partition is new, or is read on: nothing of it was fetched yet. */
  end(): void {
    this.#notBeforeMs = 0;
  }

  /** The next fetch leaves then; it may be past. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }
}
