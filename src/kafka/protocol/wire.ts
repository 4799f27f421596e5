/**
 * The primitives of Kafka's protocol over plain buffers. An int64 is a JavaScript number: offsets
 * and timestamps are exact to 2^53, and what lies beyond is refused. Producer ids are `bigint64`:
 * Kafka counts them up, but other brokers draw them from all 63 bits. "Compact" lengths are uvarints
 * of length + 1 with 0 for null (KIP-482); the others are the legacy int16 lengths.
 */

import { invariant } from "../../errors/invariant.ts";
import { OutriggerError } from "../../errors/outrigger-error.ts";

const TWO_32 = 0x1_0000_0000;

/** Writes one request body, or a part of it. Every method returns the writer. */
export class WireWriter {
  #buffer: Buffer;
  #position = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  int8(value: number): this {
    this.#reserve(1);
    this.#position = this.#buffer.writeInt8(value, this.#position);
    return this;
  }

  bool(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    this.#reserve(2);
    this.#position = this.#buffer.writeInt16BE(value, this.#position);
    return this;
  }

  int32(value: number): this {
    this.#reserve(4);
    this.#position = this.#buffer.writeInt32BE(value, this.#position);
    return this;
  }

  int64(value: number): this {
    this.#reserve(8);
    writeInt64(this.#buffer, this.#position, value);
    this.#position += 8;
    return this;
  }

  /** For producer ids. */
  bigint64(value: bigint): this {
    this.#reserve(8);
    this.#position = this.#buffer.writeBigInt64BE(value, this.#position);
    return this;
  }

  /** 32 hex digits. */
  uuid(hex: string): this {
    this.#reserve(16);
    const written = this.#buffer.write(hex, this.#position, 16, "hex");
    invariant(hex.length === 32 && written === 16, "a uuid is 32 hex digits");
    this.#position += 16;
    return this;
  }

  /** At most 2^32 - 1. */
  uvarint(value: number): this {
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#position++] = rest;
    return this;
  }

  /** Legacy string, int16 length. */
  string(value: string): this {
    const length = Buffer.byteLength(value);
    this.int16(length);
    return this.#utf8(value, length);
  }

  /** Legacy string, int16 length, -1 for null. */
  nullableString(value: string | null): this {
    return value === null ? this.int16(-1) : this.string(value);
  }

  compactString(value: string): this {
    const length = Buffer.byteLength(value);
    this.uvarint(length + 1);
    return this.#utf8(value, length);
  }

  compactNullableString(value: string | null): this {
    return value === null ? this.uvarint(0) : this.compactString(value);
  }

  compactBytes(value: Uint8Array): this {
    return this.uvarint(value.length + 1).bytes(value);
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  compactNullableArray<T>(items: readonly T[] | null, write: (item: T) => void): this {
    return items === null ? this.uvarint(0) : this.compactArray(items, write);
  }

  /** Raw bytes, no length. */
  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
    return this;
  }

  /** The end of a flexible structure without tagged fields. */
  emptyTags(): this {
    return this.int8(0);
  }

  /** What was written, not copied: the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#position);
  }

  #utf8(value: string, length: number): this {
    this.#reserve(length);
    this.#position += this.#buffer.write(value, this.#position, "utf8");
    return this;
  }

  #reserve(extra: number): void {
    const needed = this.#position + extra;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
  }
}

/** Reads one answer. Whatever does not fit the buffer is refused, never read past it. */
export class WireReader {
  readonly buffer: Buffer;
  position: number;
  /** For how long the broker takes nothing more on this connection, as its answer said (KIP-219). */
  throttleMs = 0;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  get remaining(): number {
    return this.buffer.length - this.position;
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1));
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  /** The int32 of an answer that says how long its quota is exceeded. */
  throttleTime(): void {
    this.throttleMs = Math.max(0, this.int32());
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4));
  }

  int64(): number {
    const value = readInt64(this.buffer, this.#take(8));
    if (!Number.isSafeInteger(value)) throw malformed(`an int64 beyond 2^53 (${value})`);
    return value;
  }

  /** For producer ids. */
  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8));
  }

  /** 32 hex digits. */
  uuid(): string {
    const start = this.#take(16);
    return this.buffer.toString("hex", start, start + 16);
  }

  /** At most 2^32 - 1. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#take(1)] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        return value >>> 0;
      }
    }
    throw malformed("a uvarint of more than 32 bits");
  }

  /** Legacy string, int16 length. */
  string(): string {
    return this.#present(this.nullableString());
  }

  /** Legacy string, int16 length, -1 for null. */
  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#utf8(length);
  }

  compactString(): string {
    return this.#present(this.compactNullableString());
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1;
    return length < 0 ? null : this.#utf8(length);
  }

  /** A view, not a copy. */
  compactBytes(): Buffer {
    return this.#present(this.compactNullableBytes());
  }

  /** A view, not a copy. */
  compactNullableBytes(): Buffer | null {
    const length = this.uvarint() - 1;
    if (length < 0) return null;
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  /** A null array reads as an empty one. */
  compactArray<T>(read: () => T): T[] {
    return this.compactNullableArray(read) ?? [];
  }

  compactNullableArray<T>(read: () => T): T[] | null {
    const count = this.uvarint() - 1;
    if (count < 0) return null;
    // Every element takes a byte or more: a length beyond that is refused before memory is spent.
    if (count > this.remaining) throw malformed(`an array of ${count} in ${this.remaining} bytes`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** Tagged fields: `onTag` may read its field from this reader; what it leaves is skipped. */
  tags(onTag?: (tag: number, size: number) => void): void {
    for (let left = this.uvarint(); left > 0; left--) {
      const tag = this.uvarint();
      const size = this.uvarint();
      const start = this.#take(size);
      const end = this.position;
      if (onTag === undefined) continue;
      this.position = start;
      onTag(tag, size);
      if (this.position > end) throw malformed(`tag ${tag} is longer than its size ${size}`);
      this.position = end;
    }
  }

  /** Steps over `length` bytes and returns where they start. */
  skip(length: number): number {
    return this.#take(length);
  }

  #take(length: number): number {
    const start = this.position;
    if (length < 0 || length > this.buffer.length - start) {
      throw malformed(`${length} bytes at ${start} of ${this.buffer.length}`);
    }
    this.position = start + length;
    return start;
  }

  #utf8(length: number): string {
    const start = this.#take(length);
    return this.buffer.toString("utf8", start, start + length);
  }

  #present<T>(value: T | null): T {
    if (value === null) throw malformed("null where a value is required");
    return value;
  }
}

/** Not bounds-checked beyond the buffer's own; may lose digits beyond 2^53. */
export function readInt64(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * TWO_32 + buffer.readUInt32BE(position + 4);
}

export function writeInt64(buffer: Buffer, position: number, value: number): void {
  invariant(Number.isSafeInteger(value), "an int64 is written from an exact integer");
  const high = Math.floor(value / TWO_32);
  buffer.writeInt32BE(high, position);
  buffer.writeUInt32BE(value - high * TWO_32, position + 4);
}

function malformed(what: string): OutriggerError {
  return new OutriggerError(
    "BROKER_ANSWER_MALFORMED",
    `a broker's answer cannot be read: ${what}; is the address a Kafka listener of the right kind?`,
  );
}
