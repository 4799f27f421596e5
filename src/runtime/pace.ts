/** A batch that is answered within this long, and was full, may have been larger. */
const SHORT_MS = 50;
/** One that takes longer than this keeps others, and the commit of its own records, waiting. */
const LONG_MS = 100;
/** What a task begins with, while nothing is known of its code. */
const ROWS_FIRST = 100;

/**
 * How many rows a batch may have, by how long those before took from dispatch to answer: large ones cost
 * less for each record, as long as nobody waits for them.
 */
export class Pace {
  readonly #rowsMax: number;
  #rows: number;

  /** `rowsMax` is `batch.max.records`. */
  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
    this.#rows = Math.min(rowsMax, ROWS_FIRST);
  }

  get rows(): number {
    return this.#rows;
  }

  /** A batch of so many rows was answered. */
  answered(rows: number, tookMs: number): void {
    if (tookMs > LONG_MS) {
      // Of those under way together one speaks for all: the others are larger by then.
      if (rows <= this.#rows && rows * 2 > this.#rows) this.#rows = Math.max(1, rows >> 1);
    } else if (tookMs <= SHORT_MS && rows >= this.#rows) {
      this.#rows = Math.min(this.#rowsMax, this.#rows * 2);
    }
  }
}
