import { KEY_LENGTH, KEY_POSITION, STRIDE, VALUE_LENGTH } from "../model/columns.ts";
import type { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { TakenRows, TimeWindows, Windows } from "../model/topology.ts";

/** How rows find their slots in one store. */
export interface SlotSpec {
  /** null: the key alone. */
  readonly windows: Windows | null;
  /** Left out: every row with a key has a slot, and none counts as dropped. */
  readonly takes?: TakenRows;
}

/** The slots of a batch's rows in one store; the keys of the slots stand in the table given. */
export interface SlotPlan {
  /** The slots of the rows, in row order. */
  readonly slots: Int32Array;
  /** How many slots each row has; null when each has exactly one. */
  readonly slotCounts: Int32Array | null;
  /** Start of each slot's window in ms; null without windows. */
  readonly windowStarts: Float64Array | null;
  /** Stream time after the last row. */
  readonly streamTimeAfter: number;
  /** Rows whose window had closed when they came. */
  readonly lateRows: number;
  /** Late rows, and rows that an aggregation does not take for want of a key or a value. */
  readonly droppedRows: number;
}

/** The last multiple of `unitMs` up to `timestamp`; right for times before 1970 too. */
export function windowStart(timestamp: number, unitMs: number): number {
  return timestamp - (((timestamp % unitMs) + unitMs) % unitMs);
}

/**
 * The start of the first window that holds `timestamp`. As in Kafka Streams no window that holds a time
 * of 1970 or later begins before 1970; times before, which it does not have, have windows there.
 */
export function firstWindowStart(timestamp: number, { sizeMs, advanceMs }: TimeWindows): number {
  const first = windowStart(timestamp - sizeMs + advanceMs, advanceMs);
  return timestamp < 0 ? first : Math.max(0, first);
}

/** What the window starts of a plan are multiples of, in ms; 0 where there are none. */
export function windowUnitOf(windows: Windows | null): number {
  if (windows === null) return 0;
  return windows.kind === "time" ? windows.advanceMs : 1;
}

/** Kafka Streams' rule: a window has closed when stream time has reached its end and the grace. */
export function isLate(start: number, windows: TimeWindows, streamTime: number): boolean {
  return start + windows.sizeMs + windows.graceMs <= streamTime;
}

/**
 * Gives each row its slots, each distinct key once in `table` (which must be empty). Stream time
 * moves with each row, so that a row can make the next one late within the same batch, exactly as
 * if rows came one at a time. Where `times` is given, it holds the stream time that each row sees.
 */
export function planSlots(
  rows: readonly RowRange[],
  spec: SlotSpec,
  streamTime: number,
  table: KeyTable,
  times: Float64Array | null = null,
): SlotPlan {
  const total = totalRows(rows);
  const slotCounts = new Int32Array(total);
  const tally: Tally = {
    row: 0,
    slots: new Int32Array(total),
    filled: 0,
    taken: 0,
    late: 0,
    streamTime,
    times,
    starts: spec.windows === null ? null : new Float64Array(total),
  };
  const needsValue = spec.takes === "valued";
  for (const range of rows) {
    if (spec.windows?.kind === "time") {
      assignWindows(range, spec.windows, needsValue, table, slotCounts, tally);
    } else {
      assignKeys(range, needsValue, table, slotCounts, tally);
    }
  }
  const drops = spec.windows !== null || spec.takes !== undefined;
  const isOneEach = tally.filled === total && tally.taken === total;
  return {
    slots: tally.slots.subarray(0, tally.filled),
    slotCounts: isOneEach ? null : slotCounts,
    windowStarts: tally.starts === null ? null : tally.starts.subarray(0, table.count),
    streamTimeAfter: tally.streamTime,
    lateRows: tally.late,
    droppedRows: drops ? total - tally.taken : 0,
  };
}

interface Tally {
  row: number;
  slots: Int32Array;
  filled: number;
  /** Rows that have a slot. */
  taken: number;
  late: number;
  streamTime: number;
  readonly times: Float64Array | null;
  starts: Float64Array | null;
}

function assignKeys(
  range: RowRange,
  needsValue: boolean,
  table: KeyTable,
  slotCounts: Int32Array,
  tally: Tally,
): void {
  const { bytes, positions, timestamps } = range.columns;
  for (let index = range.from; index < range.to; index++) {
    const row = tally.row++;
    const at = index * STRIDE;
    tally.streamTime = Math.max(tally.streamTime, timestamps[index] as number);
    const length = positions[at + KEY_LENGTH] as number;
    if (length < 0) continue;
    if (needsValue && (positions[at + VALUE_LENGTH] as number) < 0) continue;
    slotCounts[row] = 1;
    tally.taken++;
    tally.slots[tally.filled++] = table.add(bytes, positions[at + KEY_POSITION] as number, length);
  }
}

function assignWindows(
  range: RowRange,
  windows: TimeWindows,
  needsValue: boolean,
  table: KeyTable,
  slotCounts: Int32Array,
  tally: Tally,
): void {
  const { bytes, positions, timestamps } = range.columns;
  const { times } = tally;
  // Times are kept in variables: in an object, or as an argument of what is not inlined, each is an object.
  let { streamTime } = tally;
  const first = new FirstStart(windows);
  let suffixed = Number.NaN;
  for (let index = range.from; index < range.to; index++) {
    const row = tally.row++;
    const at = index * STRIDE;
    const timestamp = timestamps[index] as number;
    const length = positions[at + KEY_LENGTH] as number;
    // A row without a key is dropped before it is looked at: Kafka Streams' windowed aggregate
    // leaves its observed stream time alone then. Ours is the task's, which every row moves.
    if (times !== null) streamTime = times[row] as number;
    else if (timestamp > streamTime) streamTime = timestamp;
    if (length < 0) continue;
    if (needsValue && (positions[at + VALUE_LENGTH] as number) < 0) continue;
    const position = positions[at + KEY_POSITION] as number;
    const before = tally.filled;
    if (!(timestamp >= first.from && timestamp < first.until)) first.seek(timestamp);
    let { start } = first;
    for (; start <= timestamp; start += windows.advanceMs) {
      if (isLate(start, windows, streamTime)) continue;
      if (start !== suffixed) {
        table.useSuffix(start);
        suffixed = start;
      }
      putSlot(tally, table.addWithSuffix(bytes, position, length), start);
    }
    slotCounts[row] = tally.filled - before;
    if (tally.filled > before) tally.taken++;
    else tally.late++;
  }
  tally.streamTime = streamTime;
}

/** `firstWindowStart`, which times that lie close together share: to divide takes longer than the rest. */
class FirstStart {
  start = Number.NaN;
  /** For times from here on, and before `until`. */
  from = Number.NaN;
  until = Number.NaN;
  readonly #windows: TimeWindows;

  constructor(windows: TimeWindows) {
    this.#windows = windows;
  }

  seek(timestamp: number): void {
    const { sizeMs, advanceMs } = this.#windows;
    const reach = sizeMs - advanceMs;
    const from = windowStart(timestamp - reach, advanceMs) + reach;
    this.start = firstWindowStart(timestamp, this.#windows);
    // Times of 1970 and later have another rule than those before.
    this.from = timestamp < 0 ? from : Math.max(0, from);
    this.until = timestamp < 0 ? Math.min(0, from + advanceMs) : from + advanceMs;
  }
}

/** A row may have many windows: the lists grow by doubling. */
function putSlot(tally: Tally, slot: number, start: number): void {
  if (tally.filled === tally.slots.length) {
    const slots = new Int32Array(tally.filled * 2);
    slots.set(tally.slots);
    tally.slots = slots;
  }
  tally.slots[tally.filled++] = slot;
  if (tally.starts === null) return;
  if (slot >= tally.starts.length) {
    const starts = new Float64Array(slot * 2);
    starts.set(tally.starts);
    tally.starts = starts;
  }
  tally.starts[slot] = start;
}

function totalRows(rows: readonly RowRange[]): number {
  let total = 0;
  for (const range of rows) total += range.to - range.from;
  return total;
}
