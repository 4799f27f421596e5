import type { RowRange } from "../model/rows.ts";
import { countRows } from "./batch.ts";

export function latestTimestamp(range: RowRange, since: number): number {
  const { timestamps } = range.columns;
  // Not `since`, which V8 would have be anything: each later time would be an object.
  let latest = Number.NEGATIVE_INFINITY;
  for (let row = range.from; row < range.to; row++) {
    const timestamp = timestamps[row] as number;
    if (timestamp > latest) latest = timestamp;
  }
  return Math.max(since, latest);
}

/**
 * The stream time that each derived row sees: the task's as of the input record that caused it. Rows that
 * were dropped on the way have moved it too, as if records came one at a time.
 */
export function timesOf(
  rows: readonly RowRange[],
  input: RowRange,
  beforeMs: number,
  afterMs: number,
): Float64Array {
  const times = new Float64Array(countRows(rows));
  const { offsets, timestamps } = input.columns;
  let time = beforeMs;
  // Timers move nothing: behind them it is what it was.
  const latest = (row: number): number => Math.min(afterMs, timestamps[row] as number);
  let next = input.from;
  let at = 0;
  for (const { columns, from, to } of rows) {
    for (let row = from; row < to; row++) {
      const offset = columns.offsets[row] as number;
      for (; next < input.to && (offsets[next] as number) <= offset; next++) {
        time = Math.max(time, latest(next));
      }
      times[at++] = time;
    }
  }
  return times;
}

/**
 * The same before the record of each row, or at its time for a further row of that record: what a store has
 * given up by then, no row finds any more. `rows` may be a part of those of a batch.
 */
export function timesBefore(
  rows: readonly RowRange[],
  input: RowRange,
  beforeMs: number,
  afterMs: number,
): Float64Array {
  const times = new Float64Array(countRows(rows));
  const { offsets, timestamps } = input.columns;
  let time = beforeMs;
  let next = input.from;
  let at = 0;
  let last = -1;
  for (const { columns, from, to } of rows) {
    for (let row = from; row < to; row++) {
      const offset = columns.offsets[row] as number;
      if (row > 0) last = columns.offsets[row - 1] as number;
      const end = offset === last ? offset + 1 : offset;
      for (; next < input.to && (offsets[next] as number) < end; next++) {
        time = Math.max(time, Math.min(afterMs, timestamps[next] as number));
      }
      times[at++] = time;
      last = offset;
    }
  }
  return times;
}
