import { HeaderWalk } from "../model/header-walk.ts";
import type { DriverHeader } from "../ports/test-driver.ts";

/** Headers in Kafka's record format: a varint count, then each. */
export function encodeHeaders(headers: readonly DriverHeader[]): Buffer {
  const parts: Buffer[] = [varint(headers.length)];
  for (const { key, value } of headers) {
    const name = Buffer.from(key);
    parts.push(varint(name.length), name, varint(value?.length ?? -1));
    if (value !== null) parts.push(value);
  }
  return Buffer.concat(parts);
}

export function decodeHeaders(bytes: Buffer): DriverHeader[] {
  const walk = new HeaderWalk();
  const headers: DriverHeader[] = [];
  for (let rest = walk.start(bytes, 0, bytes.length); rest > 0; rest--) {
    walk.next();
    const { keyPosition, keyLength, valuePosition, valueLength } = walk;
    const key = bytes.toString("utf8", keyPosition, keyPosition + keyLength);
    const end = valuePosition + valueLength;
    headers.push({ key, value: valueLength < 0 ? null : bytes.subarray(valuePosition, end) });
  }
  return headers;
}

/** Zigzag, as the record format has it. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
