import { RecordColumns, STRIDE } from "../../../src/model/columns.ts";

export interface PlainRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
  /** In Kafka's record format, as latin1; none where left out. */
  readonly headers?: string;
}

/** Columns over one buffer, as a decoder makes them; offsets are consecutive from `base`. */
export function columnsOf(records: readonly PlainRecord[], base: number): RecordColumns {
  const parts: Buffer[] = [];
  let length = 0;
  const add = (text: string | null): [number, number] => {
    if (text === null) return [length, -1];
    const bytes = Buffer.from(text, "latin1");
    const at = length;
    parts.push(bytes);
    length += bytes.length;
    return [at, bytes.length];
  };
  const columns = new RecordColumns(Buffer.alloc(0), records.length);
  for (const [row, record] of records.entries()) {
    columns.positions.set([...add(record.key), ...add(record.value)], row * STRIDE);
    // Without headers: a varint count of 0.
    const [headers, size] = add(record.headers ?? "\0");
    columns.positions.set([headers, headers + size], row * STRIDE + 4);
    columns.offsets[row] = base + row;
    columns.timestamps[row] = record.timestamp;
  }
  columns.count = records.length;
  columns.bytes = Buffer.concat(parts);
  return columns;
}
