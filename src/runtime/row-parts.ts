import type { RowRange } from "../model/rows.ts";

/** The first `count` rows of these. */
export function firstRows(rows: readonly RowRange[], count: number): RowRange[] {
  const first: RowRange[] = [];
  let left = count;
  for (const range of rows) {
    if (left <= 0) break;
    const to = Math.min(range.to, range.from + left);
    left -= to - range.from;
    if (to > range.from) first.push(to === range.to ? range : { ...range, to });
  }
  return first;
}

/** The rows behind the first `count`. */
export function rowsBehind(rows: readonly RowRange[], count: number): RowRange[] {
  const behind: RowRange[] = [];
  let left = count;
  for (const range of rows) {
    const from = Math.min(range.to, range.from + left);
    left -= from - range.from;
    if (from < range.to) behind.push(from === range.from ? range : { ...range, from });
  }
  return behind;
}
