import { copySlice } from "../model/slices.ts";
import type { ValueColumnsBuilder } from "../model/value-columns.ts";
import { Heap } from "./heap.ts";
import { grown } from "./key-index.ts";

/** Lengths that are none: the disk has no value; nobody has asked it. */
export const ABSENT = -1;
export const UNKNOWN = -2;

/** Blocks are a multiple of this, so that a value that grows a little stays where it is. */
const BLOCK_UNIT = 8;

/** The committed value of each entry, in one heap; a value of the same length is written over in place. */
export class CommittedValues {
  readonly #heap = new Heap();
  #positions: Int32Array;
  #lengths: Int32Array;
  /** Bytes of an entry's block; 0 for none. */
  #rooms: Int32Array;

  constructor(capacity: number) {
    this.#positions = new Int32Array(capacity);
    this.#lengths = new Int32Array(capacity).fill(UNKNOWN);
    this.#rooms = new Int32Array(capacity);
  }

  get bytes(): number {
    return this.#heap.used;
  }

  grow(capacity: number): void {
    this.#positions = grown(this.#positions, capacity, 0);
    this.#lengths = grown(this.#lengths, capacity, UNKNOWN);
    this.#rooms = grown(this.#rooms, capacity, 0);
  }

  /** At least 0 for a value, ABSENT or UNKNOWN. */
  length(entry: number): number {
    return this.#lengths[entry] as number;
  }

  /** A length below 0 is ABSENT. */
  set(entry: number, from: Buffer, position: number, length: number): void {
    this.#lengths[entry] = Math.max(ABSENT, length);
    const room = this.#rooms[entry] as number;
    if (length <= 0 || length > room || length * 4 < room) {
      this.#release(entry);
      if (length <= 0) return;
      const needed = (length + BLOCK_UNIT - 1) & -BLOCK_UNIT;
      if (this.#heap.isWasteful(needed)) {
        this.#heap.compact(this.#positions, this.#rooms, this.#rooms.length);
      }
      this.#positions[entry] = this.#heap.take(needed);
      this.#rooms[entry] = needed;
    }
    copySlice(from, position, this.#heap.bytes, this.#positions[entry] as number, length);
  }

  forget(entry: number): void {
    this.#release(entry);
    this.#lengths[entry] = UNKNOWN;
  }

  /** The value of an entry that has one goes to a slot. */
  copyTo(entry: number, slot: number, into: ValueColumnsBuilder): void {
    const position = this.#positions[entry] as number;
    into.set(slot, this.#heap.bytes, position, this.#lengths[entry] as number);
  }

  /** A copy of the value of an entry; null where it is absent. */
  valueOf(entry: number): Buffer | null {
    const length = this.length(entry);
    if (length < 0) return null;
    const position = this.#positions[entry] as number;
    return Buffer.from(this.#heap.bytes.subarray(position, position + length));
  }

  #release(entry: number): void {
    this.#heap.giveBack(this.#rooms[entry] as number);
    this.#rooms[entry] = 0;
  }
}
