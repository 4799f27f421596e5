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

/** The start of the tumbling window that holds `timestamp`; right for times before 1970 too. */
export function windowStart(timestamp: number, sizeMs: number): number {
  return timestamp - (((timestamp % sizeMs) + sizeMs) % sizeMs);
}

/** What the window starts of a plan are multiples of, in ms; 0 where there are none. */
export function windowUnitOf(windows: Windows | null): number {
  return windows?.kind === "time" ? windows.advanceMs : 0;
}

/** Kafka Streams' rule: a window has closed when stream time has reached its end and the grace. */
export function isLate(start: number, windows: TimeWindows, streamTime: number): boolean {
  return start + windows.sizeMs + windows.graceMs <= streamTime;
}

/**
 * Gives each row its slot, each distinct key once in `table` (which must be empty). Stream time
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
  const slots = new Int32Array(total);
  const slotCounts = new Int32Array(total);
  const tally = { row: 0, filled: 0, late: 0, streamTime, times };
  const starts = spec.windows === null ? null : new Float64Array(total);
  for (const range of rows) {
    if (spec.windows?.kind !== "time" || starts === null) {
      assignKeys(range, spec.takes === "valued", table, slots, slotCounts, tally);
    } else {
      assignWindows(range, spec.windows, table, slots, slotCounts, starts, tally);
    }
  }
  const drops = spec.windows !== null || spec.takes !== undefined;
  return {
    slots: slots.subarray(0, tally.filled),
    slotCounts: tally.filled === total ? null : slotCounts,
    windowStarts: starts === null ? null : starts.subarray(0, table.count),
    streamTimeAfter: tally.streamTime,
    lateRows: tally.late,
    droppedRows: drops ? total - tally.filled : 0,
  };
}

interface Tally {
  row: number;
  filled: number;
  late: number;
  streamTime: number;
  readonly times: Float64Array | null;
}

function assignKeys(
  range: RowRange,
  needsValue: boolean,
  table: KeyTable,
  slots: Int32Array,
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
    slots[tally.filled++] = table.add(bytes, positions[at + KEY_POSITION] as number, length);
  }
}

function assignWindows(
  range: RowRange,
  windows: TimeWindows,
  table: KeyTable,
  slots: Int32Array,
  slotCounts: Int32Array,
  starts: Float64Array,
  tally: Tally,
): void {
  const { bytes, positions, timestamps } = range.columns;
  for (let index = range.from; index < range.to; index++) {
    const row = tally.row++;
    const at = index * STRIDE;
    const timestamp = timestamps[index] as number;
    const length = positions[at + KEY_LENGTH] as number;
    // A row without a key is dropped before it is looked at: Kafka Streams' windowed aggregate
    // leaves its observed stream time alone then. Ours is the task's, which every row moves.
    tally.streamTime = tally.times?.[row] ?? Math.max(tally.streamTime, timestamp);
    if (length < 0) continue;
    const start = windowStart(timestamp, windows.sizeMs);
    if (isLate(start, windows, tally.streamTime)) {
      tally.late++;
      continue;
    }
    const position = positions[at + KEY_POSITION] as number;
    const slot = table.addWithSuffix(bytes, position, length, start);
    starts[slot] = start;
    slotCounts[row] = 1;
    slots[tally.filled++] = slot;
  }
}

function totalRows(rows: readonly RowRange[]): number {
  let total = 0;
  for (const range of rows) total += range.to - range.from;
  return total;
}
