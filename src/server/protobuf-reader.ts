import { OutriggerError } from "../errors/outrigger-error.ts";
import { DELIMITED, END_GROUP, FIXED32, FIXED64, START_GROUP, VARINT } from "./protobuf-writer.ts";

const TWO_32 = 0x1_0000_0000;
/** Nested groups of unknown fields; protobuf's own readers stop at 100 too. */
const GROUP_DEPTH_MAX = 100;

/**
 * Reads one frame from an application. Every length is checked against the end of the message that
 * holds it; what does not fit throws PROTOCOL_VIOLATION and nothing else.
 */
export class ProtobufReader {
  readonly bytes: Buffer;
  position: number;
  /** Where the message being read ends. */
  end: number;
  /** Field number and wire type of the tag read last. */
  field = 0;
  wireType = 0;
  /** The two halves of the varint read last, unsigned. */
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** Moves to the next field: false at the end of the message. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const start = this.position;
    const first = this.bytes[start] as number;
    if (first >= 8 && first < 0x80 && (first & 7) <= FIXED32) {
      this.position++;
      this.field = first >>> 3;
      this.wireType = first & 7;
      return true;
    }
    this.#varint();
    this.field = this.#low >>> 3;
    this.wireType = this.#low & 7;
    if (this.#high !== 0 || this.field === 0 || this.wireType > FIXED32) {
      throw malformed(`byte ${start} is no field tag`);
    }
    return true;
  }

  /** A 32-bit field, unsigned. Longer varints are cut, as protobuf says. */
  uint32(): number {
    const first = this.position < this.end ? (this.bytes[this.position] as number) : 0x80;
    if (first < 0x80) {
      this.position++;
      return first;
    }
    this.#varint();
    return this.#low;
  }

  /** A uint64 or a non-negative int64. NaN beyond 2^53 - 1. */
  uint64(): number {
    this.#varint();
    const value = this.#high * TWO_32 + this.#low;
    return Number.isSafeInteger(value) ? value : Number.NaN;
  }

  /** A zigzag int64. NaN where the magnitude is beyond 2^53 - 1. */
  sint64(): number {
    this.#varint();
    const low = ((this.#low >>> 1) | (this.#high << 31)) >>> 0;
    const magnitude = (this.#high >>> 1) * TWO_32 + low;
    const value = (this.#low & 1) === 0 ? magnitude : -magnitude - 1;
    return Number.isSafeInteger(value) ? value : Number.NaN;
  }

  /** The length of a delimited field, whose content starts at `position` and fits the message. */
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

  /** Steps over the field at hand: an unknown one, or a known one of another wire type. */
  skip(depth = 0): void {
    switch (this.wireType) {
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
    if (depth >= GROUP_DEPTH_MAX)
      throw malformed(`groups are nested deeper than ${GROUP_DEPTH_MAX}`);
    const group = this.field;
    while (this.next()) {
      if (this.wireType !== END_GROUP) {
        this.skip(depth + 1);
      } else if (this.field === group) {
        return;
      } else {
        throw malformed(`group ${group} is ended as group ${this.field}`);
      }
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

export function malformed(what: string): OutriggerError {
  return new OutriggerError(
    "PROTOCOL_VIOLATION",
    `a frame is no outrigger.v1.ProcessRequest: ${what}; use a client generated from the same protocol`,
  );
}
