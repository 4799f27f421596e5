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
import { hasHeaders } from "./header-walk.ts";
import { OUTPUT_STRIDE, type OutputColumns, type RowRange } from "./rows.ts";

/**
 * What a stage sent through exits that lead to later steps, as rows, by exit; nothing for the other exits.
 * Each has the offset of the input record that caused it, and its time and headers unless it has its own.
 * Positions go into the answer's frame; only where there are headers is it copied, once, to stand beside
 * them.
 */
export function onwardRows(
  outputs: OutputColumns,
  rows: readonly RowRange[],
  isOnward: readonly boolean[],
): (readonly RowRange[])[] {
  const counts = countsOf(outputs, isOnward);
  const [first] = rows;
  if (first === undefined || counts.every((count) => count === 0)) return counts.map(() => []);
  const { bytes, headersAt } = bytesOf(outputs, rows, isOnward);
  const columns = counts.map((count) => new RecordColumns(bytes, count));
  let end = headersAt;
  forEachOutput(outputs, rows, (index, exit, range, row) => {
    const into = columns[exit];
    if (into === undefined || isOnward[exit] !== true) return;
    const to = into.count * STRIDE;
    const at = index * OUTPUT_STRIDE;
    into.positions[to + KEY_POSITION] = outputs.positions[at] as number;
    into.positions[to + KEY_LENGTH] = outputs.positions[at + 1] as number;
    into.positions[to + VALUE_POSITION] = outputs.positions[at + 2] as number;
    into.positions[to + VALUE_LENGTH] = outputs.positions[at + 3] as number;
    into.positions[to + HEADERS_POSITION] = end;
    end = copyHeaders(outputs, index, range, row, bytes, end);
    into.positions[to + HEADERS_END] = end;
    into.offsets[into.count] = range.columns.offsets[row] as number;
    into.timestamps[into.count] =
      outputs.timestamps?.[index] ?? (range.columns.timestamps[row] as number);
    into.count += 1;
  });
  const { source, partition } = first;
  return columns.map((own) =>
    own.count === 0 ? [] : [{ source, partition, columns: own, from: 0, to: own.count }],
  );
}

/** Each output with the row that caused it: rows ascend, so their ranges are passed but once. */
function forEachOutput(
  outputs: OutputColumns,
  rows: readonly RowRange[],
  each: (index: number, exit: number, range: RowRange, row: number) => void,
): void {
  let at = 0;
  let start = 0;
  for (let index = 0; index < outputs.count; index++) {
    const row = outputs.inputs[index] as number;
    let range = rows[at];
    while (range !== undefined && row - start >= range.to - range.from) {
      start += range.to - range.from;
      range = rows[++at];
    }
    if (range === undefined) return;
    const exit = outputs.sinks === null ? 0 : (outputs.sinks[index] as number);
    each(index, exit, range, range.from + row - start);
  }
}

function countsOf({ count, sinks }: OutputColumns, isOnward: readonly boolean[]): number[] {
  const counts = isOnward.map(() => 0);
  for (let index = 0; index < count; index++) {
    const exit = sinks === null ? 0 : (sinks[index] as number);
    if (isOnward[exit] === true) counts[exit] = (counts[exit] ?? 0) + 1;
  }
  return counts;
}

/** The frame, with room for headers behind it where there are any. */
function bytesOf(
  outputs: OutputColumns,
  rows: readonly RowRange[],
  isOnward: readonly boolean[],
): { bytes: Buffer; headersAt: number } {
  let headers = 0;
  forEachOutput(outputs, rows, (index, exit, { columns }, row) => {
    if (isOnward[exit] !== true) return;
    const own = outputs.headers?.get(index);
    headers += own === undefined ? headersLength(columns, row) : own.length;
  });
  const { bytes: frame } = outputs;
  if (headers === 0) return { bytes: frame, headersAt: 0 };
  const bytes = Buffer.allocUnsafe(frame.length + headers);
  frame.copy(bytes);
  return { bytes, headersAt: frame.length };
}

function copyHeaders(
  outputs: OutputColumns,
  index: number,
  { columns }: RowRange,
  row: number,
  to: Buffer,
  start: number,
): number {
  const own = outputs.headers?.get(index);
  if (own !== undefined) return start + own.copy(to, start);
  const from = columns.positions[row * STRIDE + HEADERS_POSITION] as number;
  const length = headersLength(columns, row);
  return length === 0 ? start : start + columns.bytes.copy(to, start, from, from + length);
}

/** A record without headers has a count of zero in their place: that is left out. */
function headersLength({ bytes, positions }: RecordColumns, row: number): number {
  const from = positions[row * STRIDE + HEADERS_POSITION] as number;
  const end = positions[row * STRIDE + HEADERS_END] as number;
  return hasHeaders(bytes, from, end) ? end - from : 0;
}
