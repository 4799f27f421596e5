import { WINDOW_SUFFIX_BYTES } from "../model/entry-time.ts";
import { readLong } from "../model/key-table.ts";

/**
 * Up to which start of a window the disk may have entries that memory does not know. A window that begins
 * later is known whole: what memory lacks of it does not exist, and nobody asks the disk for it. That is so
 * for nearly every new key of a new window.
 */
export class DiskTimes {
  #upTo: number;

  /** The start of the last window on the disk; infinite where nobody has looked. */
  constructor(upTo: number) {
    this.#upTo = upTo;
  }

  mayHave(bytes: Buffer, position: number, length: number): boolean {
    return length < WINDOW_SUFFIX_BYTES || timeOf(bytes, position, length) <= this.#upTo;
  }

  /** Memory lets go of the entry, or the disk was given it. */
  has(bytes: Buffer, position: number, length: number): void {
    this.#upTo = Math.max(this.#upTo, timeOf(bytes, position, length));
  }

  emptied(): void {
    this.#upTo = Number.NEGATIVE_INFINITY;
  }
}

function timeOf(bytes: Buffer, position: number, length: number): number {
  if (length < WINDOW_SUFFIX_BYTES) return Number.NEGATIVE_INFINITY;
  return readLong(bytes, position + length - WINDOW_SUFFIX_BYTES);
}
