import { KEY_LENGTH, KEY_POSITION, STRIDE, VALUE_LENGTH } from "../model/columns.ts";
import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { TakenRows } from "../model/topology.ts";
import type { SlotKeys } from "./derived.ts";

/** The distinct keys of a batch, and the times of each that its rows need: what is to be read first. */
export interface KeyRows {
  readonly keys: SlotKeys;
  /** First and last time that is needed of each key, in ms. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** The key of each row, -1 for a row that is not taken. */
  readonly keyOfRow: Int32Array;
}

/** What is stored of one key; see the store port's KeyEntries. */
export interface Entries {
  readonly keys: readonly Buffer[];
  readonly values: readonly Buffer[];
}

/**
 * Keys of rows that are taken, each from `beforeMs` before its first row, but no earlier than `earliestMs`,
 * to `afterMs` behind its last.
 */
export function planKeys(
  rows: readonly RowRange[],
  takes: TakenRows,
  beforeMs: number,
  afterMs: number,
  earliestMs = Number.NEGATIVE_INFINITY,
): KeyRows {
  let total = 0;
  for (const { from, to } of rows) total += to - from;
  const table = new KeyTable();
  const keyOfRow = new Int32Array(total);
  const from = new Float64Array(total);
  const to = new Float64Array(total);
  let row = 0;
  for (const { columns, from: begin, to: end } of rows) {
    const { bytes, positions, timestamps } = columns;
    for (let index = begin; index < end; index++, row++) {
      const at = index * STRIDE;
      const length = positions[at + KEY_LENGTH] as number;
      keyOfRow[row] = -1;
      if (length < 0) continue;
      if (takes === "valued" && (positions[at + VALUE_LENGTH] as number) < 0) continue;
      const known = table.count;
      const key = table.add(bytes, positions[at + KEY_POSITION] as number, length);
      const time = timestamps[index] as number;
      const isNew = key === known;
      const first = Math.max(earliestMs, time - beforeMs);
      from[key] = isNew ? first : Math.min(from[key] as number, first);
      to[key] = isNew ? time + afterMs : Math.max(to[key] as number, time + afterMs);
      keyOfRow[row] = key;
    }
  }
  const { count } = table;
  return { keys: table.keys(), from: from.subarray(0, count), to: to.subarray(0, count), keyOfRow };
}
