import type { StoreChanges } from "../model/changes.ts";
import { BUFFER_SUFFIX_BYTES } from "../model/entry-time.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Suppress } from "../model/topology.ts";
import { type Held, heldBytes, writeHeld } from "./buffer-entry.ts";
import { type Moving, moveThrough, rangesOf, timeOfKey } from "./closing.ts";
import { GrowingRows } from "./growing-rows.ts";
import type { Waiting } from "./waiting.ts";

/** What a buffer of one task has in it. */
export interface Filling {
  readonly records: number;
  readonly bytes: number;
}

/** Why a buffer takes no more: as its declaration wants. */
export interface Full {
  readonly full: Filling;
}

export interface Suppressed {
  readonly rows: readonly RowRange[];
  readonly changes: StoreChanges;
}

/** The entry that says how full a buffer is: of a time that no other entry has. */
export const FILLING_KEY = Buffer.alloc(BUFFER_SUFFIX_BYTES);
writeLong(FILLING_KEY, 0, Number.MAX_SAFE_INTEGER);

/**
 * Takes updates into a buffer, and lets go of those that are due, by time and key, each with its own time and
 * headers: as Kafka Streams' suppress. `stored` has the time of each slot's entry in the store.
 */
export class Suppressing {
  readonly #suppress: Suppress;
  readonly #rows: readonly RowRange[];
  readonly #waiting: Waiting;
  readonly #stored = new Map<number, number>();
  readonly #released = new GrowingRows();
  #records: number;
  #bytes: number;

  constructor(
    suppress: Suppress,
    rows: readonly RowRange[],
    waiting: Waiting,
    { records, bytes }: Filling,
  ) {
    this.#suppress = suppress;
    this.#rows = rows;
    this.#waiting = waiting;
    this.#records = records;
    this.#bytes = bytes;
  }

  addStored(slot: number, time: number, held: Held): void {
    if (this.#stored.has(slot)) return;
    this.#stored.set(slot, time);
    this.#waiting.addStored(slot, time, held);
  }

  run(moving: Moving): Suppressed | Full {
    const { delayMs } = this.#suppress;
    const before = { records: this.#records, bytes: this.#bytes };
    let full: Filling | null = null;
    moveThrough(this.#rows, moving, {
      take: (range, index) => this.#take(range, index),
      release: (timeMs, offset) => {
        const waiting = this.#waiting;
        for (let slot = waiting.first; slot >= 0; slot = waiting.first) {
          if (waiting.timeOf(slot) + delayMs > timeMs) break;
          this.#release(slot, offset);
        }
        full ??= this.#makeRoom(offset);
      },
    });
    if (full !== null) return { full };
    return { rows: rangesOf(this.#released, moving.input), changes: this.#changes(before) };
  }

  #take(range: number, index: number): void {
    const waiting = this.#waiting;
    const { windows } = this.#suppress;
    const row = this.#rows[range] as RowRange;
    const slot = waiting.slotOfRow(row, index);
    if (waiting.holds(slot)) this.#leave(slot);
    const timestamp = row.columns.timestamps[index] as number;
    const time = windows === null ? timestamp : timeOfKey(waiting.keyOf(slot), windows);
    waiting.put(slot, range, index, Math.max(0, time));
    // What was never forwarded needs no word of its end.
    if (this.#dropsNulls && waiting.valueOf(slot).length < 0) waiting.remove(slot);
    else this.#enter(slot);
  }

  get #dropsNulls(): boolean {
    return this.#suppress.windows !== null;
  }

  #enter(slot: number): void {
    this.#records += 1;
    this.#bytes += this.#sizeOf(slot);
  }

  #leave(slot: number): void {
    this.#records -= 1;
    this.#bytes -= this.#sizeOf(slot);
  }

  #sizeOf(slot: number): number {
    const waiting = this.#waiting;
    const key = waiting.keyOf(slot).length + BUFFER_SUFFIX_BYTES;
    return key + heldBytes(waiting.valueOf(slot), waiting.headersOf(slot));
  }

  #release(slot: number, offset: number): void {
    this.#leave(slot);
    this.#waiting.appendTo(this.#released, slot, offset, null);
    this.#waiting.shift();
  }

  #makeRoom(offset: number): Filling | null {
    const { maxRecords, maxBytes, whenFull } = this.#suppress.buffer;
    const waiting = this.#waiting;
    const isOver = (): boolean =>
      this.#records > (maxRecords ?? Number.POSITIVE_INFINITY) ||
      this.#bytes > (maxBytes ?? Number.POSITIVE_INFINITY);
    if (!isOver()) return null;
    if (whenFull === "shutDown") return { records: this.#records, bytes: this.#bytes };
    for (let slot = waiting.first; slot >= 0 && isOver(); slot = waiting.first) {
      this.#release(slot, offset);
    }
    return null;
  }

  /** What has gone is deleted, what has come is put; of each key once. */
  #changes(before: Filling): StoreChanges {
    const waiting = this.#waiting;
    const keys: Buffer[] = [];
    const values: (Buffer | null)[] = [];
    for (let slot = 0; slot < waiting.slots; slot++) {
      const stored = this.#stored.get(slot);
      const isHeld = waiting.holds(slot);
      const time = waiting.timeOf(slot);
      if (stored !== undefined && (!isHeld || time !== stored)) {
        keys.push(this.#entryKey(slot, stored));
        values.push(null);
      }
      if (!isHeld || !waiting.isNew(slot)) continue;
      keys.push(this.#entryKey(slot, time));
      const [value, headers] = [waiting.valueOf(slot), waiting.headersOf(slot)];
      values.push(writeHeld(waiting.timestampOf(slot), value, headers));
    }
    if (this.#records !== before.records || this.#bytes !== before.bytes) {
      keys.push(FILLING_KEY);
      values.push(this.#records === 0 ? null : encodeFilling(this.#records, this.#bytes));
    }
    return { store: this.#suppress.store, keys, values };
  }

  #entryKey(slot: number, time: number): Buffer {
    return bufferKey(this.#waiting, slot, time);
  }
}

/** The key of a slot's entry in the store. */
export function bufferKey(waiting: Waiting, slot: number, time: number): Buffer {
  const { bytes, position, length } = waiting.keyOf(slot);
  const key = Buffer.allocUnsafe(length + BUFFER_SUFFIX_BYTES);
  bytes.copy(key, 0, position, position + length);
  writeLong(key, length, time);
  return key;
}

function encodeFilling(records: number, bytes: number): Buffer {
  const filling = Buffer.allocUnsafe(16);
  writeLong(filling, 0, records);
  writeLong(filling, 8, bytes);
  return filling;
}

export function decodeFilling(filling: Buffer | null): Filling {
  if (filling === null || filling.length < 16) return { records: 0, bytes: 0 };
  return { records: readLong(filling, 0), bytes: readLong(filling, 8) };
}
