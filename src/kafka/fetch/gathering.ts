/** Answers with less are little: a broker that is behind sends far more at a time. */
const LITTLE_BYTES = 64 * 1024;
/** The last fetch leaves so long before: what it brings is fetched and processed by then. */
const LAST_MS = 2;
/** Half way is not closer than this. */
const CLOSE_MS = 5;

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
   * Behind an answer that brought little the next fetch leaves half way to `untilMs`, after `gapMs` at most.
   * What comes late is part of that cut, too: one fetch more leaves shortly before it. What the next one
   * brought would be late, so it leaves `gapMs` behind it, and so do those that follow while the cut is late:
   * the machine is busy enough. An input that was idle has had its first records by then.
   */
  until(untilMs: number, gapMs: number): void {
    this.#untilMs = untilMs;
    this.#gapMs = gapMs;
  }

  /** A fetch was answered with so many bytes of records. */
  answered(bytes: number, nowMs: number): void {
    const isLittle = bytes > 0 && bytes < LITTLE_BYTES;
    this.#notBeforeMs = isLittle ? nowMs + this.#gapBehind(this.#untilMs - nowMs) : 0;
  }

  #gapBehind(leftMs: number): number {
    if (leftMs > 2 * CLOSE_MS) return Math.min(this.#gapMs, leftMs / 2);
    return leftMs > LAST_MS ? leftMs - LAST_MS : Math.max(leftMs, 0) + this.#gapMs;
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
