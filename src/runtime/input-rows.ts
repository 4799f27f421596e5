import type { RowRange } from "../model/rows.ts";

/**
 * How many rows of `input` come before the record that row `row` of `rows` is of: a built-in node may
 * have dropped rows, or made several of one. Both ascend by offset.
 */
export function inputRowsBefore(input: RowRange, rows: readonly RowRange[], row: number): number {
  const offset = offsetOf(rows, row);
  let before = 0;
  for (let at = input.from; at < input.to; at++) {
    if ((input.columns.offsets[at] ?? 0) >= offset) break;
    before++;
  }
  return before;
}

function offsetOf(rows: readonly RowRange[], row: number): number {
  let rest = row;
  for (const { columns, from, to } of rows) {
    if (rest < to - from) return columns.offsets[from + rest] ?? 0;
    rest -= to - from;
  }
  return 0;
}
