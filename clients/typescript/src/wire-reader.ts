import type { FrameBytes } from "./frame-bytes.ts";

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const START_GROUP = 3;
const END_GROUP = 4;
const FIXED32 = 5;

const TWO_32 = 0x1_0000_0000;
/** Nested groups of unknown fields; protobuf's own readers stop at 100 too. */
const GROUP_DEPTH_MAX = 100;

/**
 * Protobuf's primitives over one frame of the sidecar, for the messages that are read by hand. Every length
 * is checked against the end of the message that holds it; what does not fit throws.
 */
export class WireReader {
  readonly frame: FrameBytes;
  readonly bytes: Buffer;
  position = 0;
  /** Where the message being read ends. */
  end: number;
  /** Of the tag read last. */
  field = 0;
  #wireType = 0;
  /** The two halves of the varint read last, unsigned. */
  #low = 0;
  #high = 0;

  constructor(frame: FrameBytes) {
    this.frame = frame;
    this.bytes = frame.bytes;
    this.end = frame.bytes.length;
  }

  /** Moves to the next field: false at the end of the message. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const start = this.position;
    this.#varint();
    this.field = this.#low >>> 3;
    this.#wireType = this.#low & 7;
    if (this.#high !== 0 || this.field === 0 || this.#wireType > FIXED32) {
      throw malformed(`byte ${start} is no field tag`);
    }
    return true;
  }

  get isNumber(): boolean {
    return this.#wireType === VARINT;
  }

  get isDelimited(): boolean {
    return this.#wireType === DELIMITED;
  }

  uint32(): number {
    const first = this.position < this.end ? (this.bytes[this.position] as number) : 0x80;
    if (first < 0x80) {
      this.position++;
      return first;
    }
    this.#varint();
    return this.#low;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  sint32(): number {
    const bits = this.uint32();
    return (bits >>> 1) ^ -(bits & 1);
  }

  uint64(): bigint {
    this.#varint();
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** A uint64 as the number that is nearest: exact below 2^53. */
  uint64Number(): number {
    this.#varint();
    return this.#high * TWO_32 + this.#low;
  }

  /** A sint64 as the number that is nearest: exact within 2^53. */
  sint64Number(): number {
    this.#varint();
    const low = ((this.#low >>> 1) | (this.#high << 31)) >>> 0;
    const magnitude = (this.#high >>> 1) * TWO_32 + low;
    return (this.#low & 1) === 0 ? magnitude : -magnitude - 1;
  }

  /** The length of the delimited field at hand, whose content begins at `position` and fits the message. */
  length(): number {
    const start = this.position;
    const first = start < this.end ? (this.bytes[start] as number) : 0x80;
    if (first < 0x80 && first < this.end - start) {
      this.position++;
      return first;
    }
    this.#varint();
    if (this.#high !== 0 || this.#low > this.end - this.position) {
      throw malformed(`the length at byte ${start} points past the end of its message`);
    }
    return this.#low;
  }

  /** Enters the delimited field at hand; returns the end of the outer message, for `leave`. */
  enter(): number {
    const length = this.length();
    const outer = this.end;
    this.end = this.position + length;
    return outer;
  }

  leave(outer: number): void {
    this.position = this.end;
    this.end = outer;
  }

  string(): string {
    const length = this.length();
    const start = this.position;
    this.position += length;
    return this.bytes.toString("utf8", start, this.position);
  }

  /** The bytes of the field at hand, not copied. */
  slice(): Buffer {
    const length = this.length();
    const start = this.position;
    this.position += length;
    return this.frame.part(start, this.position);
  }

  /**
   * Where each of the fields of this number that follow each other begins and ends. Returns the list: a new
   * one where there was nothing, because an empty one may be shared.
   */
  spans(before: number[]): number[] {
    const { bytes } = this;
    const into = before.length === 0 ? [] : before;
    const tag = (this.field << 3) | DELIMITED;
    for (;;) {
      const length = this.length();
      into.push(this.position, this.position + length);
      this.position += length;
      if (this.position >= this.end || bytes[this.position] !== tag) return into;
      this.position++;
    }
  }

  /** Numbers, packed or one by one; another type is stepped over. Returns the list, as `spans` does. */
  numbers(before: number[], read: (reader: WireReader) => number): number[] {
    const into = before.length === 0 ? [] : before;
    if (this.#wireType === VARINT) into.push(read(this));
    else if (this.#wireType !== DELIMITED) this.skip();
    else {
      const outer = this.enter();
      while (this.position < this.end) into.push(read(this));
      this.leave(outer);
    }
    return into;
  }

  /** Steps over the field at hand: an unknown one, or a known one of another type. */
  skip(depth = 0): void {
    switch (this.#wireType) {
      case VARINT:
        this.#varint();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case DELIMITED: {
        // Not in one expression: `position +=` would read the position before `length` moves it.
        const length = this.length();
        this.position += length;
        return;
      }
      case START_GROUP:
        this.#skipGroup(depth);
        return;
      case FIXED32:
        this.#advance(4);
        return;
      default:
        throw malformed(`byte ${this.position} ends a group that never began`);
    }
  }

  #skipGroup(depth: number): void {
    if (depth >= GROUP_DEPTH_MAX) throw malformed(`groups are nested deeper than ${depth}`);
    const group = this.field;
    while (this.next()) {
      if (this.#wireType !== END_GROUP) this.skip(depth + 1);
      else if (this.field === group) return;
      else throw malformed(`group ${group} is ended as group ${this.field}`);
    }
    throw malformed(`group ${group} has no end`);
  }

  #advance(length: number): void {
    if (length > this.end - this.position) throw malformed(`byte ${this.position} is cut off`);
    this.position += length;
  }

  /** Reads up to ten bytes into the two halves: a negative int32 or int64 takes all ten. */
  #varint(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    let at = this.position;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw malformed(`the number at byte ${this.position} is cut off`);
      const byte = bytes[at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        this.position = at;
        return;
      }
    }
    throw malformed(`the number at byte ${this.position} has more than ten bytes`);
  }
}

export const readUint32 = (reader: WireReader): number => reader.uint32();
export const readSint32 = (reader: WireReader): number => reader.sint32();
export const readUint64 = (reader: WireReader): number => reader.uint64Number();
export const readSint64 = (reader: WireReader): number => reader.sint64Number();

export function malformed(what: string): Error {
  return new Error(
    `a frame of the sidecar is no outrigger.v1.ProcessResponse: ${what}; run a sidecar of the same protocol`,
  );
}
