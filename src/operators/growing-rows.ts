import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  RecordColumns,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";

/** Bytes somewhere; a length of -1 is null. */
export interface Slice {
  bytes: Buffer;
  position: number;
  length: number;
}

export function sliceOf(bytes: Buffer = NOTHING, position = 0, length = -1): Slice {
  return { bytes, position, length };
}

const NOTHING = Buffer.alloc(0);
const BYTES_MIN = 1_024;

/** Rows of which nobody knows before how many there will be, over one buffer that grows by doubling. */
export class GrowingRows {
  readonly columns = new RecordColumns(NOTHING);
  #bytes = NOTHING;
  #end = 0;

  append(key: Slice, value: Slice, headers: Slice, offset: number, timestamp: number): void {
    const { columns } = this;
    columns.reserve(1);
    this.#reserve(key.length + Math.max(0, value.length) + Math.max(1, headers.length));
    const { positions, count } = columns;
    const at = count * STRIDE;
    positions[at + KEY_POSITION] = this.#put(key);
    positions[at + KEY_LENGTH] = key.length;
    positions[at + VALUE_POSITION] = this.#put(value);
    positions[at + VALUE_LENGTH] = value.length;
    // The headers' count, at least: none.
    if (headers.length <= 0) this.#bytes[this.#end] = 0;
    positions[at + HEADERS_POSITION] = headers.length <= 0 ? this.#end++ : this.#put(headers);
    positions[at + HEADERS_END] = this.#end;
    columns.offsets[count] = offset;
    columns.timestamps[count] = timestamp;
    columns.count = count + 1;
  }

  #put({ bytes, position, length }: Slice): number {
    const at = this.#end;
    const to = this.#bytes;
    // Short ones byte by byte: Buffer.copy makes an object.
    if (length >= 64) bytes.copy(to, at, position, position + length);
    else for (let i = 0; i < length; i++) to[at + i] = bytes[position + i] as number;
    this.#end = at + Math.max(0, length);
    return at;
  }

  #reserve(extra: number): void {
    const needed = this.#end + extra;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(BYTES_MIN, needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
    this.columns.bytes = grown;
  }
}
