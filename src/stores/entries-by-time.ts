import { windowStart } from "./disk-times.ts";
import {
  type EntryFields,
  KEY_LENGTH,
  KEY_POSITION,
  LISTED,
  NEXT,
  PREVIOUS,
} from "./entry-fields.ts";
import { IntList } from "./int-list.ts";
import type { KeyIndex } from "./key-index.ts";

const NONE = -1;

/**
 * Entries of a state table by the start of their window: for each start a list that runs through fields of
 * the entries themselves, so that one more costs no memory, and to take one out no search.
 */
export class EntriesByTime {
  readonly #entries: EntryFields;
  /** The first entry of each time; NONE where there is none any more. */
  readonly #firsts = new Map<number, number>();
  /** Ascending. */
  readonly #times: number[] = [];

  readonly #index: KeyIndex;

  constructor(entries: EntryFields, index: KeyIndex) {
    this.#entries = entries;
    this.#index = index;
  }

  /** Whether an entry is among them. */
  list(entry: number, isListed: boolean): void {
    if (this.#entries.hasMark(entry, LISTED) === isListed) return;
    const position = this.#entries.get(entry, KEY_POSITION);
    const length = this.#entries.get(entry, KEY_LENGTH);
    // As in the index on the disk: what begins before 1970 is as if it began then.
    const timeMs = Math.max(0, windowStart(this.#index.bytes, position, length));
    if (isListed) {
      this.#add(entry, timeMs);
      this.#entries.mark(entry, LISTED);
    } else {
      this.#remove(entry, timeMs);
      this.#entries.unmark(entry, LISTED);
    }
  }

  #add(entry: number, timeMs: number): void {
    const first = this.#firsts.get(timeMs);
    if (first === undefined) this.#insert(timeMs);
    this.#firsts.set(timeMs, entry);
    this.#entries.set(entry, PREVIOUS, NONE);
    this.#entries.set(entry, NEXT, first ?? NONE);
    if (first !== undefined && first !== NONE) this.#entries.set(first, PREVIOUS, entry);
  }

  #remove(entry: number, timeMs: number): void {
    const previous = this.#entries.get(entry, PREVIOUS);
    const next = this.#entries.get(entry, NEXT);
    if (previous === NONE) this.#firsts.set(timeMs, next);
    else this.#entries.set(previous, NEXT, next);
    if (next !== NONE) this.#entries.set(next, PREVIOUS, previous);
  }

  /** Up to so many of a time up to `timeMs` that `hides` does not hold for, the eldest first. */
  upTo(timeMs: number, entriesMax: number, hides: (entry: number) => boolean): IntList {
    this.#forgetEmpty();
    const found = new IntList();
    for (const time of this.#times) {
      if (time > timeMs) break;
      let entry = this.#firsts.get(time) ?? NONE;
      for (; entry !== NONE; entry = this.#entries.get(entry, NEXT)) {
        if (found.length >= entriesMax) return found;
        if (!hides(entry)) found.push(entry);
      }
    }
    return found;
  }

  /** Times nearly always come and go in their order. */
  #forgetEmpty(): void {
    let empty = 0;
    for (const time of this.#times) {
      if (this.#firsts.get(time) !== NONE) break;
      this.#firsts.delete(time);
      empty += 1;
    }
    if (empty > 0) this.#times.splice(0, empty);
  }

  #insert(timeMs: number): void {
    const times = this.#times;
    let [low, high] = [0, times.length];
    if (high === 0 || (times[high - 1] as number) < timeMs) low = high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle] as number) < timeMs) low = middle + 1;
      else high = middle;
    }
    times.splice(low, 0, timeMs);
  }
}
