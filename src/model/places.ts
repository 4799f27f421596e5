import { HEADERS_END, HEADERS_POSITION, STRIDE } from "./columns.ts";
import type { RowRange } from "./rows.ts";

/** Of a row without headers: their count, or, behind user code, not even that. */
const NO_HEADERS_BYTES = 1;

/**
 * Rows for what was made of them, which takes their offsets, times and headers: where none has headers,
 * the bytes that they came in are let go of.
 */
export function placesOf(rows: readonly RowRange[]): readonly RowRange[] {
  return rows.map((range) => {
    return hasHeaders(range) ? range : { ...range, columns: range.columns.places() };
  });
}

function hasHeaders({ columns: { positions }, from, to }: RowRange): boolean {
  for (let at = from * STRIDE; at < to * STRIDE; at += STRIDE) {
    const bytes = (positions[at + HEADERS_END] ?? 0) - (positions[at + HEADERS_POSITION] ?? 0);
    if (bytes > NO_HEADERS_BYTES) return true;
  }
  return false;
}
