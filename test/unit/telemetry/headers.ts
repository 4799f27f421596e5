import {
  HEADERS_END,
  HEADERS_POSITION,
  RecordColumns,
  STRIDE,
} from "../../../src/model/columns.ts";

/** Rows that have nothing but headers, one list each. */
export function rowsWithHeaders(
  rows: readonly (readonly [string, string | null][])[],
): RecordColumns {
  const parts = rows.map((headers) => encode(headers));
  const columns = new RecordColumns(Buffer.concat(parts), rows.length);
  let position = 0;
  for (const [row, part] of parts.entries()) {
    columns.positions[row * STRIDE + HEADERS_POSITION] = position;
    position += part.length;
    columns.positions[row * STRIDE + HEADERS_END] = position;
    columns.offsets[row] = 100 + row;
  }
  columns.count = rows.length;
  return columns;
}

/** The texts of a row's headers of that name, read byte by byte by hand. */
export function headerText(columns: RecordColumns, row: number): string {
  const from = columns.positions[row * STRIDE + HEADERS_POSITION] ?? 0;
  const to = columns.positions[row * STRIDE + HEADERS_END] ?? 0;
  return columns.bytes.toString("latin1", from, to);
}

function encode(headers: readonly (readonly [string, string | null])[]): Buffer {
  const pieces = [varint(headers.length)];
  for (const [key, value] of headers) {
    pieces.push(varint(key.length), Buffer.from(key));
    pieces.push(varint(value?.length ?? -1), Buffer.from(value ?? ""));
  }
  return Buffer.concat(pieces);
}

function varint(value: number): Buffer {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  const bytes: number[] = [];
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
