/** Answers with less are little: a broker that is behind sends far more at a time. */
const LITTLE_BYTES = 64 * 1024;
/** What a fetch would wait less than this for is not worth a fetch. */
const GAP_MS_MIN = 2;

/**
 * Fetches of a quiet input leave some ms apart, so that each brings what several would: a fetch costs a
 * round of every partition through the worker, whatever it brings, while nothing is visible before the
 * next commit. Whoever commits says when that is (docs/adr/0030-fetches-that-gather.md).
 */
export class Gathering {
  #untilMs = 0;
  #gapMs = 0;
  #notBeforeMs = 0;

  /**
   * Behind an answer that brought little the next fetch leaves half way to `untilMs`, after `gapMs` at most:
   * what comes late is part of the next cut, too.
   */
  until(untilMs: number, gapMs: number): void {
    this.#untilMs = untilMs;
    this.#gapMs = gapMs;
  }

  /** A fetch was answered with so many bytes of records. */
  answered(bytes: number, nowMs: number): void {
    const isLittle = bytes > 0 && bytes < LITTLE_BYTES;
    const leftMs = this.#untilMs - nowMs;
    const gapMs = Math.min(this.#gapMs, leftMs, Math.max(GAP_MS_MIN, leftMs / 2));
    this.#notBeforeMs = isLittle && leftMs > 0 ? nowMs + gapMs : 0;
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
