import { copySlice } from "../model/slices.ts";

const BYTES_MIN = 4 * 1024;

/**
 * Blocks of bytes in one buffer, taken at its end. What is given back is found again when the whole is
 * compacted, which the owner of the blocks asks for.
 */
export class Heap {
  bytes = Buffer.allocUnsafe(BYTES_MIN);
  #end = 0;
  #free = 0;

  /** Bytes of the blocks that are in use. */
  get used(): number {
    return this.#end - this.#free;
  }

  /** Whether there is no room for a block of this length, and compacting would make some. */
  isWasteful(length: number): boolean {
    return this.#end + length > this.bytes.length && this.#free * 2 > this.#end;
  }

  /** The position of a new block. */
  take(length: number): number {
    const at = this.#end;
    if (at + length > this.bytes.length) this.#resize(at + length);
    this.#end = at + length;
    return at;
  }

  giveBack(length: number): void {
    this.#free += length;
  }

  /** Moves together the blocks in use, those with a length above 0; `positions` are where they were. */
  compact(positions: Int32Array, lengths: Int32Array, count: number): void {
    const from = this.bytes;
    const room = Math.max(BYTES_MIN, this.used * 2);
    const to = Buffer.allocUnsafe(room);
    let end = 0;
    for (let i = 0; i < count; i++) {
      const length = lengths[i] as number;
      if (length <= 0) continue;
      copySlice(from, positions[i] as number, to, end, length);
      positions[i] = end;
      end += length;
    }
    this.bytes = to;
    this.#end = end;
    this.#free = 0;
  }

  #resize(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.#end);
    this.bytes = grown;
  }
}
