import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { SlotKeys } from "./derived.ts";
import { type GrowingRows, type Slice, sliceOf } from "./growing-rows.ts";
import { SlotQueue } from "./slot-queue.ts";

/** How keys of one `time` are ordered among themselves: below 0 where the first comes first. */
export type KeyOrder = (
  bytes: Buffer,
  position: number,
  length: number,
  otherPosition: number,
  otherLength: number,
  time: number,
) => number;

/** A value as it is kept, taken apart. */
export interface Kept {
  readonly value: Slice;
  readonly headers: Slice;
  readonly timestamp: number;
}

/** Where the value of a slot stands. */
const NOWHERE = 0;
const STORED = 1;
const IN_ROW = 2;

/**
 * The updates of a batch that wait for their time, and those that waited before: the last of each key, in the
 * order of their times.
 */
export class Waiting {
  readonly #table = new KeyTable();
  #keys = this.#table.keys();
  readonly #rows: readonly RowRange[];
  readonly #queue: SlotQueue;
  readonly #stored: (Kept | null)[] = [];
  #where = new Uint8Array(0);
  #isQueued = new Uint8Array(0);
  #times = new Float64Array(0);
  #timestamps = new Float64Array(0);
  #ranges = new Int32Array(0);
  #indexes = new Int32Array(0);

  constructor(rows: readonly RowRange[], order: KeyOrder) {
    this.#rows = rows;
    this.#queue = new SlotQueue((slot, other) => {
      const time = this.timeOf(slot);
      const otherTime = this.timeOf(other);
      if (time !== otherTime) return time < otherTime;
      const { bytes, positions } = this.#keys;
      const length = positions[slot * 2 + 1] as number;
      const otherLength = positions[other * 2 + 1] as number;
      const position = positions[slot * 2] as number;
      const otherPosition = positions[other * 2] as number;
      return order(bytes, position, length, otherPosition, otherLength, time) < 0;
    });
  }

  /** The slot that is due first; -1 where nothing waits. */
  get first(): number {
    for (let slot = this.#queue.first; slot >= 0; slot = this.#queue.first) {
      if (this.#where[slot] !== NOWHERE) return slot;
      this.#isQueued[slot] = 0;
      this.#queue.shift();
    }
    return -1;
  }

  timeOf(slot: number): number {
    return this.#times[slot] as number;
  }

  timestampOf(slot: number): number {
    return this.#timestamps[slot] as number;
  }

  /** How many slots there are, whether something waits in them or not. */
  get slots(): number {
    return this.#table.count;
  }

  keyOf(slot: number): Slice {
    const { bytes, positions } = this.#keys;
    return sliceOf(bytes, positions[slot * 2] as number, positions[slot * 2 + 1] as number);
  }

  /** The keys by slot; add nothing while they are in use. */
  keys(): SlotKeys {
    return this.#keys;
  }

  holds(slot: number): boolean {
    return slot < this.#where.length && this.#where[slot] !== NOWHERE;
  }

  /** Whether the value that waits came with this batch. */
  isNew(slot: number): boolean {
    return this.#where[slot] === IN_ROW;
  }

  slotOfRow({ columns: { bytes, positions } }: RowRange, index: number): number {
    const at = index * STRIDE;
    return this.slotOf(
      bytes,
      positions[at + KEY_POSITION] as number,
      positions[at + KEY_LENGTH] as number,
    );
  }

  slotOf(bytes: Buffer, position: number, length: number): number {
    const known = this.#table.count;
    const slot = this.#table.add(bytes, position, length);
    if (slot === known) this.#keys = this.#table.keys();
    return slot;
  }

  /** What is in the store, under the key that its rows have. */
  addStored(slot: number, time: number, kept: Kept): void {
    this.#reserve(slot);
    this.#stored[slot] = kept;
    this.#where[slot] = STORED;
    this.#times[slot] = time;
    this.#timestamps[slot] = kept.timestamp;
    this.#enqueue(slot);
  }

  /** An update takes the place of what waits for its key, and keeps its time; else it gets the one given. */
  put(slot: number, range: number, index: number, time: number): void {
    this.#reserve(slot);
    const { columns } = this.#rows[range] as RowRange;
    const isHeld = this.holds(slot);
    const timestamp = columns.timestamps[index] as number;
    const before = isHeld && !this.#isNull(slot) ? this.timestampOf(slot) : timestamp;
    if (!isHeld) this.#times[slot] = time;
    this.#timestamps[slot] = Math.max(before, timestamp);
    this.#where[slot] = IN_ROW;
    this.#ranges[slot] = range;
    this.#indexes[slot] = index;
    this.#enqueue(slot);
  }

  /** What waits in the slot does so no more; should it again, then with the time that it has. */
  remove(slot: number): void {
    if (slot < this.#where.length) this.#where[slot] = NOWHERE;
  }

  /** The first slot is done with, and may get another time. */
  shift(): void {
    const slot = this.first;
    this.#where[slot] = NOWHERE;
    this.#isQueued[slot] = 0;
    this.#queue.shift();
  }

  /** Appends what waits in the slot; with the headers given, or its own. */
  appendTo(rows: GrowingRows, slot: number, offset: number, headers: Slice | null): void {
    const own = headers ?? this.headersOf(slot);
    rows.append(this.keyOf(slot), this.valueOf(slot), own, offset, this.timestampOf(slot));
  }

  valueOf(slot: number): Slice {
    if (!this.isNew(slot)) return this.#stored[slot]?.value ?? sliceOf();
    const range = this.#rows[this.#ranges[slot] as number] as RowRange;
    return valueOfRow(range, this.#indexes[slot] as number);
  }

  headersOf(slot: number): Slice {
    if (!this.isNew(slot)) return this.#stored[slot]?.headers ?? sliceOf();
    const range = this.#rows[this.#ranges[slot] as number] as RowRange;
    return headersOfRow(range, this.#indexes[slot] as number);
  }

  #isNull(slot: number): boolean {
    return this.valueOf(slot).length < 0;
  }

  #enqueue(slot: number): void {
    if (this.#isQueued[slot] === 1) return;
    this.#isQueued[slot] = 1;
    this.#queue.push(slot);
  }

  #reserve(slot: number): void {
    if (slot < this.#where.length) return;
    const capacity = Math.max(64, slot * 2);
    const grown = <T extends Uint8Array | Float64Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#where = grown(this.#where, new Uint8Array(capacity));
    this.#isQueued = grown(this.#isQueued, new Uint8Array(capacity));
    this.#times = grown(this.#times, new Float64Array(capacity));
    this.#timestamps = grown(this.#timestamps, new Float64Array(capacity));
    this.#ranges = grown(this.#ranges, new Int32Array(capacity));
    this.#indexes = grown(this.#indexes, new Int32Array(capacity));
  }
}

export function valueOfRow({ columns: { bytes, positions } }: RowRange, index: number): Slice {
  const at = index * STRIDE;
  const position = positions[at + VALUE_POSITION] as number;
  return sliceOf(bytes, position, positions[at + VALUE_LENGTH] as number);
}

export function headersOfRow({ columns: { bytes, positions } }: RowRange, index: number): Slice {
  const at = index * STRIDE;
  const position = positions[at + HEADERS_POSITION] as number;
  return sliceOf(bytes, position, (positions[at + HEADERS_END] as number) - position);
}
