import type { ChangeColumns } from "../model/changes.ts";
import { copySlice } from "../model/slices.ts";
import { ValueColumnsBuilder } from "../model/value-columns.ts";
import type { KeyIndex } from "./key-index.ts";

/** Keys and values that are copied one after the other. */
export class ChangePacker {
  readonly values: ValueColumnsBuilder;
  readonly #positions: Int32Array;
  readonly #hashes: Int32Array;
  #bytes: Buffer;
  #end = 0;
  #count = 0;

  /** Both together have about so many bytes. */
  constructor(count: number, bytes: number) {
    this.values = new ValueColumnsBuilder(count);
    this.#positions = new Int32Array(count * 2);
    this.#hashes = new Int32Array(count);
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  add({ keys, values }: ChangeColumns, place: number): void {
    const at = place * 2;
    const length = values.positions[at + 1] as number;
    if (length >= 0) {
      this.values.set(this.#count, values.bytes, values.positions[at] as number, length);
    }
    const keyLength = keys.positions[at + 1] as number;
    const hash = keys.hashes[place] as number;
    this.#addKey(keys.bytes, keys.positions[at] as number, keyLength, hash);
  }

  /** The key of an entry; its value is set by the caller. */
  addKey(index: KeyIndex, entry: number): void {
    this.#addKey(index.bytes, index.position(entry), index.length(entry), index.hash(entry));
  }

  columns(): ChangeColumns {
    const { values } = this;
    const [bytes, positions, hashes] = [this.#bytes, this.#positions, this.#hashes];
    return { keys: { count: this.#count, bytes, positions, hashes }, values };
  }

  #addKey(bytes: Buffer, position: number, length: number, hash: number): void {
    const at = this.#end;
    if (at + length > this.#bytes.length) {
      const grownBytes = Buffer.allocUnsafe(Math.max(at + length, this.#bytes.length * 2));
      this.#bytes.copy(grownBytes, 0, 0, at);
      this.#bytes = grownBytes;
    }
    copySlice(bytes, position, this.#bytes, at, length);
    this.#positions[this.#count * 2] = at;
    this.#positions[this.#count * 2 + 1] = length;
    this.#hashes[this.#count] = hash;
    this.#end = at + length;
    this.#count += 1;
  }
}
