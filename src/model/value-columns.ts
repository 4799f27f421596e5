import { Slices } from "./slices.ts";

/** Values by slot, as positions in one buffer: no object for each. */
export interface ValueColumns {
  readonly count: number;
  readonly bytes: Buffer;
  /** Position and length of each value, two ints each; a length of -1 is none. */
  readonly positions: Int32Array;
}

const NOTHING = Buffer.alloc(0);
/** First room, by value; it grows by doubling. */
const BYTES_PER_VALUE = 16;

/** Values on their way into columns; none until one is set. */
export class ValueColumnsBuilder implements ValueColumns {
  readonly count: number;
  readonly positions: Int32Array;
  bytes: Buffer = NOTHING;
  #end = 0;
  readonly #slices = new Slices();

  constructor(count: number) {
    this.count = count;
    this.positions = new Int32Array(count * 2);
    for (let slot = 0; slot < count; slot++) this.positions[slot * 2 + 1] = -1;
  }

  set(slot: number, from: Buffer, position: number, length: number): void {
    const at = this.#end;
    if (at + length > this.bytes.length) this.#grow(at + length);
    this.#slices.copy(from, position, this.bytes, at, length);
    this.positions[slot * 2] = at;
    this.positions[slot * 2 + 1] = length;
    this.#end = at + length;
  }

  #grow(needed: number): void {
    const room = Math.max(needed, this.bytes.length * 2, this.count * BYTES_PER_VALUE);
    const grown = Buffer.allocUnsafe(room);
    this.bytes.copy(grown, 0, 0, this.#end);
    this.bytes = grown;
  }
}

/** The values one after the other; null for none. */
export function packValues(values: readonly (Buffer | null)[]): ValueColumns {
  const columns = new ValueColumnsBuilder(values.length);
  for (const [slot, value] of values.entries()) {
    if (value !== null) columns.set(slot, value, 0, value.length);
  }
  return columns;
}

/** A view of the value of a slot; null for none. */
export function valueAt({ bytes, positions }: ValueColumns, slot: number): Buffer | null {
  const length = positions[slot * 2 + 1] ?? -1;
  if (length < 0) return null;
  const position = positions[slot * 2] as number;
  return bytes.subarray(position, position + length);
}

/** A view of each value. */
export function valuesOf(values: ValueColumns): (Buffer | null)[] {
  return Array.from({ length: values.count }, (_, slot) => valueAt(values, slot));
}

/** Bytes of all values. */
export function bytesOfValues({ count, positions }: ValueColumns): number {
  let bytes = 0;
  for (let slot = 0; slot < count; slot++) bytes += Math.max(0, positions[slot * 2 + 1] as number);
  return bytes;
}
