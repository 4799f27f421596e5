import { STAMP_BYTES } from "../model/entry-time.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import { OUTPUT_STRIDE, type OutputColumns, type RowRange, type SlotState } from "../model/rows.ts";
import type { ValueColumns } from "../model/value-columns.ts";

/** Values as they stand in a store, parted from their times. */
export interface Stamped {
  readonly found: ValueColumns;
  /** By slot, in ms; NaN where there is no value. Left out where values have no times. */
  readonly times?: Float64Array;
}

export function takeStamps({ count, bytes, positions: stamped }: ValueColumns): Stamped {
  const times = new Float64Array(count).fill(Number.NaN);
  const positions = new Int32Array(count * 2);
  for (let slot = 0; slot < count; slot++) {
    const position = stamped[slot * 2] as number;
    const length = stamped[slot * 2 + 1] as number;
    positions[slot * 2] = position + STAMP_BYTES;
    positions[slot * 2 + 1] = length < 0 ? -1 : length - STAMP_BYTES;
    if (length >= 0) times[slot] = readLong(bytes, position);
  }
  return { found: { count, bytes, positions }, times };
}

export function unstamped(value: Buffer | null): Buffer | null {
  return value === null ? null : value.subarray(STAMP_BYTES);
}

export function stamped(value: Buffer, time: number): Buffer {
  const bytes = Buffer.allocUnsafe(STAMP_BYTES + value.length);
  writeLong(bytes, 0, time);
  value.copy(bytes, STAMP_BYTES);
  return bytes;
}

/**
 * The times of the slots when the application has folded rows into them: of each the latest of the rows that
 * are in it. A window that has gone begins anew. A row that no window is forwarded for was none to it; where
 * nothing stands behind the aggregation, none is known to have been so.
 */
export function foldedTimes(
  before: Float64Array,
  rows: readonly RowRange[],
  { slots, slotCounts }: Pick<SlotState, "slots" | "slotCounts">,
  { count, inputs, positions }: OutputColumns,
  exits: number,
): Float64Array {
  const times = before.slice();
  let row = 0;
  let next = 0;
  let output = 0;
  for (const { columns, from, to } of rows) {
    for (let index = from; index < to; index++, row++) {
      const end = next + (slotCounts === null ? 1 : (slotCounts[row] as number));
      const isNone = exits > 0 && (output >= count || inputs[output] !== row);
      for (; next < end; next++) {
        if (isNone) continue;
        const slot = slots[next] as number;
        const known = times[slot] as number;
        const own = columns.timestamps[index] as number;
        const isGone = exits > 0 && (positions[output * OUTPUT_STRIDE + 3] as number) < 0;
        if (isGone) times[slot] = Number.NaN;
        else times[slot] = Number.isNaN(known) ? own : Math.max(known, own);
        output += exits;
      }
    }
  }
  return times;
}
