import { Slices } from "../model/slices.ts";

const BYTES_MIN = 4 * 1024;

/** Values one after the other, until all are let go at once. */
export class StagedValues {
  bytes = Buffer.allocUnsafe(BYTES_MIN);
  #end = 0;
  readonly #slices = new Slices();

  /** Copies a value in; answers its position. */
  add(from: Buffer, position: number, length: number): number {
    const at = this.#end;
    if (at + length > this.bytes.length) this.#grow(at + length);
    this.#slices.copy(from, position, this.bytes, at, length);
    this.#end = at + length;
    return at;
  }

  /** Writes over a value of the same length. */
  overwrite(at: number, from: Buffer, position: number, length: number): void {
    this.#slices.copy(from, position, this.bytes, at, length);
  }

  clear(): void {
    // What one commit needed, the next need not.
    if (this.bytes.length > BYTES_MIN && this.#end * 4 < this.bytes.length) {
      this.bytes = Buffer.allocUnsafe(Math.max(BYTES_MIN, this.#end * 2));
    }
    this.#end = 0;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.#end);
    this.bytes = grown;
  }
}
