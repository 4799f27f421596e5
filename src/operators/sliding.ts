import { KEY_LENGTH, KEY_POSITION, STRIDE } from "../model/columns.ts";
import { type KeyTable, readLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { SlidingWindows } from "../model/topology.ts";
import type { Entries, KeyRows } from "./key-rows.ts";
import { COPY, EXTEND, FOLD, FORWARD, START, StepList } from "./sliding-steps.ts";

/** What is done to windows, row by row, and what is stored of them. */
export interface SlidingPlan {
  readonly steps: StepList;
  /** How many steps each row has. */
  readonly stepCounts: Int32Array;
  /** The stored value of each slot, its time before it; null where there is none. */
  readonly found: readonly (Buffer | null)[];
  readonly lateRows: number;
  readonly droppedRows: number;
}

/** How far before and behind its rows a key's windows are looked for, in ms. */
export function slidingReach({ differenceMs }: SlidingWindows): {
  beforeMs: number;
  afterMs: number;
} {
  return { beforeMs: 2 * differenceMs, afterMs: 1 };
}

/**
 * Kafka Streams' sliding windows (KIP-450). A record at t is in the window that ends at t, in those that hold
 * t and exist, and in the one that begins right behind the record before it; behind t itself begins one with
 * what came later than t. Which of them exist depends on times alone: the latest time of each window tells.
 */
export function planSliding(
  rows: readonly RowRange[],
  windows: SlidingWindows,
  streamTime: number,
  keyRows: KeyRows,
  stored: readonly Entries[],
  table: KeyTable,
  times: Float64Array | null = null,
): SlidingPlan {
  const plan = new Planning(windows, streamTime, keyRows, stored, table, times);
  let row = 0;
  for (const { columns, from, to } of rows) {
    const { bytes, positions, timestamps } = columns;
    for (let index = from; index < to; index++, row++) {
      const at = index * STRIDE;
      plan.key.bytes = bytes;
      plan.key.position = positions[at + KEY_POSITION] as number;
      plan.key.length = positions[at + KEY_LENGTH] as number;
      plan.add(row, timestamps[index] as number);
    }
  }
  return plan.done();
}

interface RowKey {
  bytes: Buffer;
  position: number;
  length: number;
}

/** The windows of one key that are known: by start, each with its slot. */
interface Known {
  readonly starts: number[];
  readonly slots: number[];
}

/** The window right behind a record, and its latest time. */
interface Right {
  readonly slot: number;
  readonly latest: number;
}

const NO_TIME = -1;
const NONE = -1;

class Planning {
  /** Where the key of the row at hand stands. */
  readonly key: RowKey = { bytes: Buffer.alloc(0), position: 0, length: 0 };
  readonly #differenceMs: number;
  readonly #graceMs: number;
  readonly #keyOfRow: Int32Array;
  readonly #table: KeyTable;
  readonly #known: Known[] = [];
  readonly #found: (Buffer | null)[] = [];
  /** The latest time of each slot's records. */
  readonly #times: number[] = [];
  readonly #steps = new StepList();
  readonly #stepCounts: Int32Array;
  /** The stream time that each row sees; null where each moves it by its own. */
  readonly #clock: Float64Array | null;
  #streamTime: number;
  #closeTime = 0;
  #taken = 0;
  #late = 0;

  constructor(
    { differenceMs, graceMs }: SlidingWindows,
    streamTime: number,
    { keyOfRow, keys }: KeyRows,
    stored: readonly Entries[],
    table: KeyTable,
    clock: Float64Array | null,
  ) {
    this.#clock = clock;
    this.#differenceMs = differenceMs;
    this.#graceMs = graceMs;
    this.#streamTime = streamTime;
    this.#keyOfRow = keyOfRow;
    this.#table = table;
    this.#stepCounts = new Int32Array(keyOfRow.length);
    for (let key = 0; key < keys.count; key++) this.#load(stored[key]);
  }

  #load(entries: Entries | undefined): void {
    const known: Known = { starts: [], slots: [] };
    for (let i = 0; i < (entries?.keys.length ?? 0); i++) {
      const entry = entries?.keys[i] as Buffer;
      const value = entries?.values[i] as Buffer;
      known.starts.push(readLong(entry, entry.length - 12));
      known.slots.push(this.#table.add(entry, 0, entry.length));
      this.#found.push(value);
      this.#times.push(readLong(value, 0));
    }
    this.#known.push(known);
  }

  add(row: number, time: number): void {
    this.#streamTime = this.#clock?.[row] ?? Math.max(this.#streamTime, time);
    this.#closeTime = this.#streamTime - this.#graceMs;
    const known = this.#known[this.#keyOfRow[row] as number];
    // There is nothing before 1970 in Kafka Streams, and no window that could hold it.
    if (known === undefined || time < 0) return;
    if (time + this.#differenceMs < this.#closeTime) {
      this.#late++;
      return;
    }
    this.#taken++;
    const before = this.#steps.count;
    if (time < this.#differenceMs) this.#addEarly(known, time);
    else this.#add(known, time);
    this.#stepCounts[row] = this.#steps.count - before;
  }

  done(): SlidingPlan {
    return {
      steps: this.#steps,
      stepCounts: this.#stepCounts,
      found: this.#found,
      lateRows: this.#late,
      droppedRows: this.#keyOfRow.length - this.#taken,
    };
  }

  /** From the latest window to the earliest, then those that are missing. */
  #add(known: Known, time: number): void {
    const differenceMs = this.#differenceMs;
    const left = time - differenceMs;
    const last = indexUpTo(known, time);
    const first = indexUpTo(known, left - 1);
    const exact = known.starts[first + 1] === left ? (known.slots[first + 1] as number) : NONE;
    // A record of this very time has made all there is to be made.
    const isRepeated = exact !== NONE && (this.#times[exact] as number) >= time;
    const holder = last >= 0 && (known.starts[last] as number) > left ? last : NONE;
    const holds = holder === NONE ? NONE : (known.slots[holder] as number);
    const right = isRepeated ? null : this.#copyRight(known, last, holds, time);
    let previous = NO_TIME;
    if (exact !== NONE && !isRepeated) previous = this.#times[exact] as number;
    for (let i = last; i > first; i--) this.#fold(known, i, time);
    if (isRepeated) return;
    const isNear =
      first >= 0 && (known.starts[first] as number) >= Math.max(0, left - differenceMs);
    const before = isNear ? (known.slots[first] as number) : NONE;
    if (before !== NONE) previous = this.#times[before] as number;
    if (previous !== NO_TIME && previous + 1 + differenceMs >= time) {
      this.#startMissing(known, previous + 1, time);
    }
    if (exact === NONE) {
      const isEmpty = previous === NO_TIME || left > previous;
      // The one that was just begun may be this one: then it is said twice, as in Kafka Streams.
      this.#startAt(known, left, isEmpty ? NONE : before, time);
    }
    if (right !== null) this.#forwardRight(known, right, time);
  }

  /** Times below the difference have no window that ends with them: `[0, difference]` holds them all. */
  #addEarly(known: Known, time: number): void {
    const last = indexUpTo(known, time);
    const hasCombined = known.starts[0] === 0;
    const combined = hasCombined ? (known.slots[0] as number) : NONE;
    const combinedTime = hasCombined ? (this.#times[combined] as number) : NO_TIME;
    const first = hasCombined ? 1 : 0;
    const holder = last >= first ? (known.slots[last] as number) : NONE;
    const right = this.#copyRight(known, last, holder === NONE ? combined : holder, time);
    for (let i = first; i <= last; i++) this.#fold(known, i, time);
    if (right !== null) this.#forwardRight(known, right, time);
    if (hasCombined && combinedTime < time) this.#startMissing(known, combinedTime + 1, time);
    if (hasCombined) this.#fold(known, 0, time);
    else this.#startAt(known, 0, NONE, time);
  }

  /** The record is in the window, if that has not closed. */
  #fold(known: Known, index: number, time: number): void {
    const start = known.starts[index] as number;
    if (start + this.#differenceMs < this.#closeTime) return;
    const slot = known.slots[index] as number;
    const latest = Math.max(time, this.#times[slot] as number);
    this.#times[slot] = latest;
    this.#steps.push(FOLD, slot, NONE, latest);
  }

  /** A window begins with the record, on top of what another one holds. */
  #startAt(known: Known, start: number, from: number, time: number): void {
    if (start + this.#differenceMs < this.#closeTime) return;
    const slot = this.#slotOf(start, time);
    this.#keep(known, start, slot);
    this.#steps.push(from === NONE ? START : EXTEND, slot, from, time);
  }

  #startMissing(known: Known, start: number, time: number): void {
    if (known.starts[indexUpTo(known, start)] !== start) this.#startAt(known, start, NONE, time);
  }

  /**
   * What a window that holds the record had before it is what the window right behind it begins with: copied
   * before anything is folded. Null where that window exists, or would be empty.
   */
  #copyRight(known: Known, last: number, from: number, time: number): Right | null {
    if (known.starts[last + 1] === time + 1 || from === NONE) return null;
    const latest = this.#times[from] as number;
    if (latest <= time) return null;
    const slot = this.#slotOf(time + 1, latest);
    this.#steps.push(COPY, slot, from, latest);
    return { slot, latest };
  }

  #forwardRight(known: Known, { slot, latest }: Right, time: number): void {
    this.#keep(known, time + 1, slot);
    this.#steps.push(FORWARD, slot, NONE, latest);
  }

  #keep({ starts, slots }: Known, start: number, slot: number): void {
    const index = indexUpTo({ starts, slots }, start);
    if (starts[index] === start) return;
    starts.splice(index + 1, 0, start);
    slots.splice(index + 1, 0, slot);
  }

  #slotOf(start: number, time: number): number {
    const { bytes, position, length } = this.key;
    this.#table.useSuffix(start);
    const slot = this.#table.addWithSuffix(bytes, position, length);
    if (slot === this.#found.length) this.#found.push(null);
    this.#times[slot] = time;
    return slot;
  }
}

/** The last window that begins up to `start`; -1 where none does. */
function indexUpTo({ starts }: Known, start: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= start) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
