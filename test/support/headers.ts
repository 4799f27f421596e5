/** Headers in Kafka's record format, written and read without any code of the product. */

export function plainHeaders(headers: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [zigzag(headers.length)];
  for (const [name, value] of headers) {
    const [key, text] = [Buffer.from(name), Buffer.from(value)];
    parts.push(zigzag(key.length), key, zigzag(text.length), text);
  }
  return Buffer.concat(parts);
}

export function headersIn(bytes: Buffer): [name: string, value: string | null][] {
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return Number((value >> 1n) ^ -(value & 1n));
  };
  const text = (length: number): string => {
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const found: [string, string | null][] = [];
  for (let rest = varint(); rest > 0; rest--) {
    const name = text(varint());
    const length = varint();
    found.push([name, length < 0 ? null : text(length)]);
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes behind the headers`);
  return found;
}

function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value) << 1n;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
