import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  RecordColumns,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../../../src/model/columns.ts";
import type { RowRange } from "../../../src/model/rows.ts";

/** A row: key, timestamp, value, header bytes; as latin1. */
export type Row = readonly [
  key: string | null,
  timestamp?: number,
  value?: string | null,
  headers?: string,
];

/** Rows as a fetch brings them, offsets from 0 on unless said otherwise. */
export function rowsOf(rows: readonly Row[], firstOffset = 0): RowRange {
  const parts: Buffer[] = [Buffer.from("leading bytes")];
  let end = parts[0]?.length ?? 0;
  const put = (text: string | null): [number, number] => {
    if (text === null) return [0, -1];
    const bytes = Buffer.from(text, "latin1");
    parts.push(bytes);
    const position = end;
    end += bytes.length;
    return [position, bytes.length];
  };
  const columns = new RecordColumns(Buffer.alloc(0), rows.length);
  for (const [row, [key, timestamp = 0, value = "v", headers = "\0"]] of rows.entries()) {
    const at = row * STRIDE;
    [columns.positions[at + KEY_POSITION], columns.positions[at + KEY_LENGTH]] = put(key);
    [columns.positions[at + VALUE_POSITION], columns.positions[at + VALUE_LENGTH]] = put(value);
    const [position, length] = put(headers);
    columns.positions[at + HEADERS_POSITION] = position;
    columns.positions[at + HEADERS_END] = position + length;
    columns.offsets[row] = firstOffset + row;
    columns.timestamps[row] = timestamp;
  }
  columns.count = rows.length;
  columns.bytes = Buffer.concat(parts);
  return { source: 0, partition: 0, columns, from: 0, to: rows.length };
}

/** Batches of `size` rows, each cut into two ranges, so that rows span ranges as well. */
export function inBatches(rows: readonly Row[], size: number): RowRange[][] {
  const batches: RowRange[][] = [];
  for (let from = 0; from < rows.length; from += size) {
    const taken = rows.slice(from, from + size);
    const middle = Math.floor(taken.length / 2);
    batches.push([
      rowsOf(taken.slice(0, middle), from),
      rowsOf(taken.slice(middle), from + middle),
    ]);
  }
  return batches;
}
