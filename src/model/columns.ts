/**
 * Records as columns over the buffer that they arrived in: no object per record. Positions point
 * into `bytes`; a length of -1 is null. Offsets and timestamps are exact to 2^53.
 */

/** Ints per record in `positions`. */
export const STRIDE = 6;
/** Where each int stands: key position and length, value position and length, headers' range. */
export const KEY_POSITION = 0;
export const KEY_LENGTH = 1;
export const VALUE_POSITION = 2;
export const VALUE_LENGTH = 3;
/** The range of the headers as Kafka's record format writes them: varint count, then each. */
export const HEADERS_POSITION = 4;
export const HEADERS_END = 5;

const NOTHING = Buffer.alloc(0);
/** Offset and timestamp of a record: what `places` keeps. */
export const PLACE_BYTES = 16;

/** Columns that grow; filled by a decoder, read by everybody else. */
export class RecordColumns {
  count = 0;
  bytes: Buffer;
  positions: Int32Array;
  offsets: Float64Array;
  timestamps: Float64Array;

  constructor(bytes: Buffer, capacity = 0) {
    this.bytes = bytes;
    this.positions = new Int32Array(capacity * STRIDE);
    this.offsets = new Float64Array(capacity);
    this.timestamps = new Float64Array(capacity);
  }

  /** The same records with nothing but their offsets and timestamps. */
  places(): RecordColumns {
    const places = new RecordColumns(NOTHING);
    places.count = this.count;
    places.offsets = this.offsets;
    places.timestamps = this.timestamps;
    return places;
  }

  /** Makes room for `extra` more records, at least doubling. */
  reserve(extra: number): void {
    const needed = this.count + extra;
    if (needed <= this.offsets.length) return;
    const capacity = Math.max(needed, this.offsets.length * 2);
    this.positions = grown(this.positions, new Int32Array(capacity * STRIDE));
    this.offsets = grown(this.offsets, new Float64Array(capacity));
    this.timestamps = grown(this.timestamps, new Float64Array(capacity));
  }

  /** A view of the key, or null. Makes an object: for tests and cold paths. */
  key(index: number): Buffer | null {
    return this.#slice(index * STRIDE + KEY_POSITION);
  }

  /** A view of the value, or null. Makes an object: for tests and cold paths. */
  value(index: number): Buffer | null {
    return this.#slice(index * STRIDE + VALUE_POSITION);
  }

  #slice(at: number): Buffer | null {
    const position = this.positions[at] ?? 0;
    const length = this.positions[at + 1] ?? -1;
    return length < 0 ? null : this.bytes.subarray(position, position + length);
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** A header, for cold paths. */
export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}
