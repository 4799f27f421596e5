const VARINT = 0;
const DELIMITED = 2;

/** Of a buffer that is new, and the most of one that is kept to be used again. */
const CAPACITY_FIRST = 16 * 1024;
const CAPACITY_KEPT_MAX = 1024 * 1024;
/** Bytes of a tag and a varint, at most. */
const HEADER_MAX = 11;
/** Up to here a call costs more than the bytes. */
const COPIED_ONE_BY_ONE_MAX = 32;
/** A length below 2^32 takes no more. */
const LENGTH_BYTES = 5;
/** Beyond this, zigzag leaves the numbers that a double holds exactly. */
const ZIGZAG_EXACT_MAX = 2 ** 52;

/** Protobuf's primitives into a buffer that grows. Fields above 15 do not occur: a tag is one byte. */
export class WireWriter {
  position = 0;
  /** Where the message that `enclose` has closed begins. */
  start = 0;
  #bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY_FIRST);

  /** Begins anew at a position; what is before it is for `enclose`. */
  reset(position: number): void {
    if (this.#bytes.length > CAPACITY_KEPT_MAX) {
      this.#bytes = Buffer.allocUnsafeSlow(CAPACITY_FIRST);
    }
    this.position = position;
  }

  /** What was written from `start` on, behind as many bytes of room; not copied. */
  written(room: number): Uint8Array {
    return this.#bytes.subarray(this.start - room, this.position);
  }

  /** Tag, length and content. */
  delimited(field: number, content: Uint8Array): void {
    const { length } = content;
    this.#reserve(HEADER_MAX + length);
    this.#header(field, length);
    const { position } = this;
    if (length > COPIED_ONE_BY_ONE_MAX) this.#bytes.set(content, position);
    else for (let at = 0; at < length; at++) this.#bytes[position + at] = content[at] as number;
    this.position = position + length;
  }

  /** Text; proto3 leaves out what is empty. */
  string(field: number, content: string): void {
    if (content === "") return;
    const length = Buffer.byteLength(content);
    this.#reserve(HEADER_MAX + length);
    this.#header(field, length);
    this.position += this.#bytes.write(content, this.position, length, "utf8");
  }

  /** Fields that were written elsewhere. */
  fields(content: Uint8Array): void {
    this.#reserve(content.length);
    this.#bytes.set(content, this.position);
    this.position += content.length;
  }

  /** A number below 2^53; proto3 leaves zero out. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(HEADER_MAX);
    this.#bytes[this.position++] = (field << 3) | VARINT;
    this.#varint(value);
  }

  uint64(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#reserve(HEADER_MAX);
    this.#bytes[this.position++] = (field << 3) | VARINT;
    this.#varint64(value);
  }

  /** Numbers below 2^53 as one packed field; none where there are none. */
  packed(field: number, values: ArrayLike<number>, count = values.length): void {
    if (count === 0) return;
    let size = 0;
    for (let at = 0; at < count; at++) size += varintSize(values[at] as number);
    this.#reserve(HEADER_MAX + size);
    this.#header(field, size);
    for (let at = 0; at < count; at++) this.#varint(values[at] as number);
  }

  /** The same of sint64 within 2^53. */
  packedSint64(field: number, values: ArrayLike<number>, count: number): void {
    let size = 0;
    for (let at = 0; at < count; at++) size += zigzagSize(values[at] as number);
    this.#reserve(HEADER_MAX + size);
    this.#header(field, size);
    for (let at = 0; at < count; at++) this.#zigzag(values[at] as number);
  }

  /** Begins a message of a length that is not known yet; returns what `end` takes. */
  begin(field: number): number {
    this.#reserve(1 + LENGTH_BYTES);
    this.#bytes[this.position++] = (field << 3) | DELIMITED;
    this.position += LENGTH_BYTES;
    return this.position;
  }

  /** Writes the length of what was written since `begin`, and moves that up to it. */
  end(from: number): void {
    const to = this.position;
    this.position = from - LENGTH_BYTES;
    this.#varint(to - from);
    this.#bytes.copyWithin(this.position, from, to);
    this.position += to - from;
  }

  /** Has everything from `from` on stand in a message, whose tag and length go right before it. */
  enclose(from: number, field: number): void {
    const to = this.position;
    const length = to - from;
    this.start = from - 1 - varintSize(length);
    this.position = this.start;
    this.#header(field, length);
    this.position = to;
  }

  #reserve(length: number): void {
    const needed = this.position + length;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.position);
    this.#bytes = grown;
  }

  #header(field: number, length: number): void {
    this.#bytes[this.position++] = (field << 3) | DELIMITED;
    this.#varint(length);
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    let at = this.position;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      // The low bits of a double below 2^53 are exact, so `&` may truncate the rest to 32 bits.
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.position = at;
  }

  #zigzag(value: number): void {
    if (isZigzagExact(value)) this.#varint(zigzag(value));
    else this.#varint64(value < 0 ? -BigInt(value) * 2n - 1n : BigInt(value) * 2n);
  }

  #varint64(value: bigint): void {
    let rest = value;
    while (rest > 0x7fn) {
      this.#bytes[this.position++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.position++] = Number(rest);
  }
}

/** What a serde has written, as bytes. Throws a TypeError where it is something else. */
export function asBytes(written: Uint8Array): Uint8Array {
  if (written instanceof Uint8Array) return written;
  const view: unknown = written;
  if (ArrayBuffer.isView(view))
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  throw new TypeError(
    `a serde has written what is of the type ${typeof view}: it must be a Uint8Array, or null`,
  );
}

/** Bytes of an unsigned varint below 2^53. */
function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 0x8_0000_0000) return 5;
  if (value < 0x400_0000_0000) return 6;
  if (value < 0x2_0000_0000_0000) return 7;
  return 8;
}

function zigzagSize(value: number): number {
  return isZigzagExact(value) ? varintSize(zigzag(value)) : 8;
}

function isZigzagExact(value: number): boolean {
  return value < ZIGZAG_EXACT_MAX && value >= -ZIGZAG_EXACT_MAX;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}
