import { WINDOW_SUFFIX_BYTES } from "../model/entry-time.ts";
import { readLong } from "../model/key-table.ts";

/**
 * Between which starts of windows the disk may have entries that memory does not list. A window that begins
 * later is known whole: what memory lacks of it does not exist, and nobody asks the disk for it. That is so
 * for nearly every new key of a new window. Up to the first one nothing on the disk can have expired.
 */
export class DiskTimes {
  #from = Number.NEGATIVE_INFINITY;
  #upTo: number;
  /** Names what is known, for `lookedThrough`. */
  changes = 0;

  /** The start of the last window on the disk; infinite where nobody has looked. */
  constructor(upTo: number) {
    this.#upTo = upTo;
  }

  mayHave(bytes: Buffer, position: number, length: number): boolean {
    return length < WINDOW_SUFFIX_BYTES || windowStart(bytes, position, length) <= this.#upTo;
  }

  /** Memory lets go of the entry, or the disk was given it. */
  has(bytes: Buffer, position: number, length: number): void {
    const start = windowStart(bytes, position, length);
    this.#upTo = Math.max(this.#upTo, start);
    this.#from = Math.min(this.#from, start);
    this.changes += 1;
  }

  /** Whether windows up to this start may have entries on the disk that memory does not list. */
  mayHaveUpTo(timeMs: number): boolean {
    return this.#from <= timeMs && this.#from <= this.#upTo;
  }

  /** No entry up to this start that memory does not list was found by a look that began at `changes`. */
  lookedThrough(timeMs: number, changes: number): void {
    if (changes === this.changes) this.#from = Math.max(this.#from, timeMs + 1);
  }

  /** What was found may not be deleted after all. */
  lookAnew(): void {
    this.#from = Number.NEGATIVE_INFINITY;
    this.changes += 1;
  }

  emptied(): void {
    this.#upTo = Number.NEGATIVE_INFINITY;
    this.lookAnew();
  }
}

/** Of a key that is too short for one: before all others. */
export function windowStart(bytes: Buffer, position: number, length: number): number {
  if (length < WINDOW_SUFFIX_BYTES) return Number.NEGATIVE_INFINITY;
  return readLong(bytes, position + length - WINDOW_SUFFIX_BYTES);
}
