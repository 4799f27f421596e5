import { Slices } from "../model/slices.ts";
import type { ValueColumnsBuilder } from "../model/value-columns.ts";
import {
  ABSENT,
  type EntryFields,
  UNKNOWN,
  VALUE_LENGTH,
  VALUE_POSITION,
  VALUE_ROOM,
} from "./entry-fields.ts";
import { Heap } from "./heap.ts";

/** Blocks are a multiple of this, so that a value that grows a little stays where it is. */
const BLOCK_UNIT = 8;

/** The committed value of each entry, in one heap; a value of the same length is written over in place. */
export class CommittedValues {
  readonly #entries: EntryFields;
  readonly #heap: Heap;
  readonly #slices = new Slices();

  constructor(entries: EntryFields) {
    this.#entries = entries;
    this.#heap = new Heap(entries, VALUE_POSITION, VALUE_ROOM);
  }

  get bytes(): number {
    return this.#heap.used;
  }

  /** A length below 0 is ABSENT. */
  set(entry: number, from: Buffer, position: number, length: number): void {
    const entries = this.#entries;
    entries.set(entry, VALUE_LENGTH, Math.max(ABSENT, length));
    const room = entries.get(entry, VALUE_ROOM);
    if (length <= 0 || length > room || length * 4 < room) {
      this.#release(entry);
      if (length <= 0) return;
      const needed = (length + BLOCK_UNIT - 1) & -BLOCK_UNIT;
      entries.set(entry, VALUE_POSITION, this.#heap.take(needed));
      entries.set(entry, VALUE_ROOM, needed);
    }
    this.#slices.copy(from, position, this.#heap.bytes, entries.get(entry, VALUE_POSITION), length);
  }

  forget(entry: number): void {
    this.#release(entry);
    this.#entries.set(entry, VALUE_LENGTH, UNKNOWN);
  }

  /** The value of an entry that has one goes to a slot. */
  copyTo(entry: number, slot: number, into: ValueColumnsBuilder): void {
    const entries = this.#entries;
    const position = entries.get(entry, VALUE_POSITION);
    into.set(slot, this.#heap.bytes, position, entries.get(entry, VALUE_LENGTH));
  }

  /** A copy of the value of an entry; null where it is absent. */
  valueOf(entry: number): Buffer | null {
    const length = this.#entries.get(entry, VALUE_LENGTH);
    if (length < 0) return null;
    const position = this.#entries.get(entry, VALUE_POSITION);
    return Buffer.from(this.#heap.bytes.subarray(position, position + length));
  }

  #release(entry: number): void {
    this.#heap.giveBack(this.#entries.get(entry, VALUE_ROOM));
    this.#entries.set(entry, VALUE_ROOM, 0);
  }
}
