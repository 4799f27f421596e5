import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  RecordColumns,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "./columns.ts";
import type { RowRange } from "./rows.ts";

/** Rows of one feed, and how far they are merged. */
interface Merged {
  readonly ranges: readonly RowRange[];
  range: number;
  row: number;
}

/**
 * The rows of several feeds as those of one: ordered by the input record that caused them, of one record in
 * the order of the feeds. All are of one source partition. Copied, once for a batch: they lie in different
 * buffers.
 */
export function mergeRows(feeds: readonly (readonly RowRange[])[]): readonly RowRange[] {
  const some = feeds.filter((ranges) => ranges.length > 0);
  const [first] = some[0] ?? [];
  if (first === undefined) return [];
  if (some.length === 1) return some[0] ?? [];
  const { rows, bytes } = sizeOf(some);
  const into = new RecordColumns(Buffer.allocUnsafe(bytes), rows);
  const merged = some.map((ranges): Merged => ({ ranges, range: 0, row: ranges[0]?.from ?? 0 }));
  let end = 0;
  for (let count = 0; count < rows; count++) {
    const next = earliest(merged);
    const range = next.ranges[next.range] as RowRange;
    end = copyRow(range.columns, next.row, into, end);
    next.row += 1;
    if (next.row < range.to) continue;
    next.range += 1;
    next.row = next.ranges[next.range]?.from ?? 0;
  }
  const { source, partition } = first;
  return [{ source, partition, columns: into, from: 0, to: rows }];
}

function earliest(merged: readonly Merged[]): Merged {
  let found = merged[0] as Merged;
  let earliestOffset = Number.POSITIVE_INFINITY;
  for (const one of merged) {
    const offset = one.ranges[one.range]?.columns.offsets[one.row] ?? Number.POSITIVE_INFINITY;
    if (offset >= earliestOffset) continue;
    found = one;
    earliestOffset = offset;
  }
  return found;
}

function sizeOf(feeds: readonly (readonly RowRange[])[]): { rows: number; bytes: number } {
  let rows = 0;
  let bytes = 0;
  for (const { columns, from, to } of feeds.flat()) {
    rows += to - from;
    const { positions } = columns;
    for (let row = from; row < to; row++) {
      const at = row * STRIDE;
      bytes += Math.max(0, positions[at + KEY_LENGTH] as number);
      bytes += Math.max(0, positions[at + VALUE_LENGTH] as number);
      bytes +=
        (positions[at + HEADERS_END] as number) - (positions[at + HEADERS_POSITION] as number);
    }
  }
  return { rows, bytes };
}

function copyRow(from: RecordColumns, row: number, into: RecordColumns, start: number): number {
  const at = row * STRIDE;
  const to = into.count * STRIDE;
  const { positions } = from;
  let end = start;
  for (const [position, length] of KEY_AND_VALUE) {
    const bytes = positions[at + length] as number;
    into.positions[to + position] = end;
    into.positions[to + length] = bytes;
    end = copyBytes(from.bytes, positions[at + position] as number, bytes, into.bytes, end);
  }
  const headers = positions[at + HEADERS_POSITION] as number;
  const length = (positions[at + HEADERS_END] as number) - headers;
  into.positions[to + HEADERS_POSITION] = end;
  end = copyBytes(from.bytes, headers, length, into.bytes, end);
  into.positions[to + HEADERS_END] = end;
  into.offsets[into.count] = from.offsets[row] as number;
  into.timestamps[into.count] = from.timestamps[row] as number;
  into.count += 1;
  return end;
}

const KEY_AND_VALUE = [
  [KEY_POSITION, KEY_LENGTH],
  [VALUE_POSITION, VALUE_LENGTH],
] as const;

/** Byte by byte where there are few: Buffer.copy makes an object. */
function copyBytes(from: Buffer, at: number, length: number, to: Buffer, start: number): number {
  if (length >= 64) from.copy(to, start, at, at + length);
  else for (let i = 0; i < length; i++) to[start + i] = from[at + i] as number;
  return start + Math.max(0, length);
}
