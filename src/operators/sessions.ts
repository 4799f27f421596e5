import { KEY_LENGTH, KEY_POSITION, STRIDE } from "../model/columns.ts";
import { type KeyTable, readLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { SessionWindows } from "../model/topology.ts";
import type { Entries, KeyRows } from "./key-rows.ts";
import type { SlotPlan } from "./windows.ts";

/** A plan of sessions, and what is stored of its slots. */
export interface SessionPlan extends SlotPlan {
  readonly windowStarts: Float64Array;
  /** How long each slot's session is, in ms: its end minus its start. */
  readonly sessionLengths: Float64Array;
  /** The stored value of each slot; null where there is none that counts. */
  readonly found: readonly (Buffer | null)[];
  /**
   * A session begins anew under the key of one that the batch has used and that has gone since: the slot
   * cannot say so. Or, where values may go, a row meets a session that one before it has used: it may be gone
   * by then. The rows are to be planned in smaller batches.
   */
  readonly isAmbiguous: boolean;
}

/** The stream time of rows that do not move it by themselves alone. */
export interface SessionTimes {
  /** That each row sees. */
  readonly at: Float64Array;
  /** By which each row's store has given up sessions; null where it is what the row before saw. */
  readonly before: Float64Array | null;
}

/**
 * Gives each row the sessions that it merges, by end, and then the one that it makes of them; a session of
 * its own, or one that begins and ends at its time, alone. Rows see what those before them made.
 *
 * As Kafka Streams: a row comes too late when the session that it would make has closed, and a session
 * that its store has given up by the time before the row is not merged any more. Where `times` is left out,
 * each row moves stream time by its own. With `mayGo` a fold may give null, which ends its session.
 */
export function planSessions(
  rows: readonly RowRange[],
  windows: SessionWindows,
  streamTime: number,
  keyRows: KeyRows,
  stored: readonly Entries[],
  table: KeyTable,
  times: SessionTimes | null = null,
  mayGo = false,
): SessionPlan {
  const plan = new Planning(windows, streamTime, keyRows, stored, table, times, mayGo);
  let row = 0;
  for (const { columns, from, to } of rows) {
    const { bytes, positions, timestamps } = columns;
    for (let index = from; index < to; index++, row++) {
      const at = index * STRIDE;
      const [position, length] = [positions[at + KEY_POSITION], positions[at + KEY_LENGTH]];
      plan.add(row, bytes, position as number, length as number, timestamps[index] as number);
    }
  }
  return plan.done();
}

/** Ends a list. */
const NONE = -1;

/**
 * Sessions live in arrays, in a list for each key, by end and start: one for each entry, and at most one for
 * each row.
 */
class Planning {
  readonly #windows: SessionWindows;
  readonly #keyOfRow: Int32Array;
  readonly #table: KeyTable;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #next: Int32Array;
  readonly #values: (Buffer | null)[];
  readonly #heads: Int32Array;
  readonly #times: SessionTimes | null;
  readonly #mayGo: boolean;
  #count = 0;
  #streamTime: number;
  #slots = new Int32Array(64);
  #filled = 0;
  #taken = 0;
  #late = 0;
  #isAmbiguous = false;
  readonly #slotCounts: Int32Array;
  readonly #slotStarts: number[] = [];
  readonly #slotLengths: number[] = [];
  readonly #found: (Buffer | null)[] = [];

  constructor(
    windows: SessionWindows,
    streamTime: number,
    { keyOfRow, keys }: KeyRows,
    stored: readonly Entries[],
    table: KeyTable,
    times: SessionTimes | null,
    mayGo: boolean,
  ) {
    this.#times = times;
    this.#mayGo = mayGo;
    this.#windows = windows;
    this.#streamTime = streamTime;
    this.#keyOfRow = keyOfRow;
    this.#table = table;
    let capacity = keyOfRow.length;
    for (const { keys: entries } of stored) capacity += entries.length;
    this.#starts = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#values = new Array(capacity).fill(null);
    this.#heads = new Int32Array(keys.count).fill(NONE);
    this.#slotCounts = new Int32Array(keyOfRow.length);
    for (let key = 0; key < keys.count; key++) this.#load(key, stored[key]);
  }

  /** The entries of a key come by end and start, so that the last is put in first. */
  #load(key: number, entries: Entries | undefined): void {
    for (let i = (entries?.keys.length ?? 0) - 1; i >= 0; i--) {
      const entry = entries?.keys[i] as Buffer;
      const start = readLong(entry, entry.length - 8);
      this.#insert(key, start, readLong(entry, entry.length - 16), entries?.values[i] ?? null);
    }
  }

  add(row: number, bytes: Buffer, position: number, length: number, time: number): void {
    const { gapMs, graceMs } = this.#windows;
    const goneUpTo = (this.#times?.before?.[row] ?? this.#streamTime) - gapMs - graceMs;
    this.#streamTime = this.#times?.at[row] ?? Math.max(this.#streamTime, time);
    const key = this.#keyOfRow[row] as number;
    if (key < 0) return;
    let start = time;
    let end = time;
    let point = NONE;
    for (let at = this.#heads[key] as number; at !== NONE; at = this.#next[at] as number) {
      if (!this.#merges(at, time, goneUpTo)) continue;
      // What a row of the batch has used, or made, has no stored value any more.
      if (this.#mayGo && this.#values[at] === null) this.#isAmbiguous = true;
      start = Math.min(start, this.#starts[at] as number);
      end = Math.max(end, this.#ends[at] as number);
      point = at;
    }
    if (end < this.#streamTime - graceMs - gapMs) {
      this.#late++;
      return;
    }
    const before = this.#filled;
    if (start < end) this.#unlink(key, time, goneUpTo, bytes, position, length);
    const known = this.#found.length;
    const target = this.#slot(bytes, position, length, start, end);
    // A session of the row's own time stays where it is, or begins.
    if (start === end && point !== NONE) this.#meet(point, target);
    else this.#insert(key, start, end, null);
    if (start === end && point === NONE && target < known) this.#isAmbiguous = true;
    this.#push(target);
    this.#slotCounts[row] = this.#filled - before;
    this.#taken++;
  }

  done(): SessionPlan {
    const total = this.#keyOfRow.length;
    const isOneEach = this.#filled === total && this.#taken === total;
    return {
      slots: this.#slots.subarray(0, this.#filled),
      slotCounts: isOneEach ? null : this.#slotCounts,
      windowStarts: Float64Array.from(this.#slotStarts),
      sessionLengths: Float64Array.from(this.#slotLengths),
      found: this.#found,
      isAmbiguous: this.#isAmbiguous,
      streamTimeAfter: this.#streamTime,
      lateRows: this.#late,
      droppedRows: total - this.#taken,
    };
  }

  #merges(session: number, time: number, goneUpTo: number): boolean {
    const { gapMs } = this.#windows;
    const end = this.#ends[session] as number;
    return (
      end >= time - gapMs && (this.#starts[session] as number) <= time + gapMs && end > goneUpTo
    );
  }

  /** What merges leaves the list, each with a slot of the row. */
  #unlink(
    key: number,
    time: number,
    goneUpTo: number,
    bytes: Buffer,
    position: number,
    length: number,
  ): void {
    let last = NONE;
    for (let at = this.#heads[key] as number; at !== NONE; at = this.#next[at] as number) {
      if (!this.#merges(at, time, goneUpTo)) {
        last = at;
        continue;
      }
      if (last === NONE) this.#heads[key] = this.#next[at] as number;
      else this.#next[last] = this.#next[at] as number;
      const [start, end] = [this.#starts[at] as number, this.#ends[at] as number];
      const slot = this.#slot(bytes, position, length, start, end);
      this.#meet(at, slot);
      this.#push(slot);
    }
  }

  /** A stored session is used for the first time: the slot has its value. */
  #meet(session: number, slot: number): void {
    const value = this.#values[session] as Buffer | null;
    if (value === null) return;
    this.#found[slot] = value;
    this.#values[session] = null;
  }

  #slot(bytes: Buffer, position: number, length: number, start: number, end: number): number {
    const slot = this.#table.addSession(bytes, position, length, start, end);
    if (slot < this.#found.length) return slot;
    this.#found.push(null);
    this.#slotStarts.push(start);
    this.#slotLengths.push(end - start);
    return slot;
  }

  #insert(key: number, start: number, end: number, value: Buffer | null): void {
    const session = this.#count++;
    this.#starts[session] = start;
    this.#ends[session] = end;
    this.#values[session] = value;
    let last = NONE;
    let next = this.#heads[key] as number;
    while (next !== NONE && this.#isBefore(next, start, end)) {
      last = next;
      next = this.#next[next] as number;
    }
    this.#next[session] = next;
    if (last === NONE) this.#heads[key] = session;
    else this.#next[last] = session;
  }

  #isBefore(session: number, start: number, end: number): boolean {
    const own = this.#ends[session] as number;
    return own < end || (own === end && (this.#starts[session] as number) < start);
  }

  #push(slot: number): void {
    if (this.#filled === this.#slots.length) {
      const slots = new Int32Array(this.#filled * 2);
      slots.set(this.#slots);
      this.#slots = slots;
    }
    this.#slots[this.#filled++] = slot;
  }
}
