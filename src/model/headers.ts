/** A header to be added; its value as UTF-8. */
export type TextHeader = readonly [name: string, value: string];

/** A varint count of headers that cannot be read: the record's batch was checked, so it is our bug. */
const COUNT_BYTES_MAX = 5;

/**
 * The headers of a record with others behind them, in Kafka's record format (varint count; then each:
 * varint key length, key, varint value length, value; varints are zigzag). `[from, to)` of `bytes` are
 * those that it has, the count included; an empty range has none.
 */
export function withHeaders(
  bytes: Buffer,
  from: number,
  to: number,
  added: readonly TextHeader[],
): Buffer {
  const [count, after] = to > from ? readCount(bytes, from) : [0, to];
  const parts: Buffer[] = [varint(count + added.length), bytes.subarray(after, to)];
  for (const [name, value] of added) {
    const [key, text] = [Buffer.from(name), Buffer.from(value)];
    parts.push(varint(key.length), key, varint(text.length), text);
  }
  return Buffer.concat(parts);
}

/**
 * The first `count` headers of a record alone, in the same format. `[from, end)` of `bytes` are the count
 * that it has and those headers.
 */
export function firstHeaders(bytes: Buffer, from: number, end: number, count: number): Buffer {
  const [, after] = readCount(bytes, from);
  return Buffer.concat([varint(count), bytes.subarray(after, Math.max(after, end))]);
}

function readCount(bytes: Buffer, from: number): [count: number, after: number] {
  let value = 0;
  for (let i = 0; i < COUNT_BYTES_MAX; i++) {
    const byte = bytes[from + i] ?? 0;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return [(value >>> 1) ^ -(value & 1), from + i + 1];
  }
  throw new RangeError("the count of a record's headers has more than five bytes");
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = (value << 1) >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
