/** How often and how far apart a failed record is tried again. */
export interface RetryLimits {
  readonly max: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** A value in [0, 1) for jitter. */
  readonly random: () => number;
}

/** The retries of one record: another record, or a success, starts anew. */
export class Retries {
  readonly #limits: RetryLimits;
  #at = "";
  #failures = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** The pause before the next try; null when the tries are used up. */
  failed(at: string): number | null {
    this.#failures = at === this.#at ? this.#failures + 1 : 1;
    this.#at = at;
    const { max, initialMs, factor, maxDelayMs, random } = this.#limits;
    if (this.#failures > max) return null;
    const delayMs = Math.min(maxDelayMs, initialMs * factor ** (this.#failures - 1));
    // Between half and whole, so that tasks that failed together do not come back together.
    return delayMs * (0.5 + random() / 2);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#at = "";
  }
}
