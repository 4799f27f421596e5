import { RecordColumns, STRIDE } from "../../../src/model/columns.ts";

export interface PlainHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface PlainRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly offset: number;
  readonly timestamp: number;
  readonly headers: readonly PlainHeader[];
}

function kafkaVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Headers as Kafka's record format writes them. */
export function kafkaHeaders(headers: readonly PlainHeader[]): Buffer {
  const parts = headers.flatMap(({ key, value }) => [
    kafkaVarint(Buffer.byteLength(key)),
    Buffer.from(key),
    kafkaVarint(value === null ? -1 : value.length),
    value ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([kafkaVarint(headers.length), ...parts]);
}

/** Puts records into columns, each field somewhere else in one buffer, as a fetch holds them. */
export function columnsOf(records: readonly PlainRecord[]): RecordColumns {
  const parts: Buffer[] = [Buffer.from("before")];
  let position = 6;
  const place = (bytes: Uint8Array | null): [number, number] => {
    if (bytes === null) return [position, -1];
    parts.push(Buffer.from(bytes));
    position += bytes.length;
    return [position - bytes.length, bytes.length];
  };
  const columns = new RecordColumns(Buffer.alloc(0), records.length);
  for (const [index, record] of records.entries()) {
    const [headersAt, headersLength] = place(kafkaHeaders(record.headers));
    const ints = [
      ...place(record.key),
      ...place(record.value),
      headersAt,
      headersAt + headersLength,
    ];
    columns.positions.set(ints, index * STRIDE);
    columns.offsets[index] = record.offset;
    columns.timestamps[index] = record.timestamp;
  }
  columns.count = records.length;
  columns.bytes = Buffer.concat(parts);
  return columns;
}
