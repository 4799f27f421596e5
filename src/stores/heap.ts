import { copySlice } from "../model/slices.ts";
import type { EntryFields } from "./entry-fields.ts";

const BYTES_MIN = 4 * 1024;

/**
 * A block of bytes for each entry, in one buffer, taken at its end. What is given back is used again when
 * the whole is compacted. `positionField` and `lengthField` say where a block stands and how long it is; an
 * entry whose length is not above 0 has none.
 */
export class Heap {
  bytes = Buffer.allocUnsafe(BYTES_MIN);
  readonly #entries: EntryFields;
  readonly #positionField: number;
  readonly #lengthField: number;
  #end = 0;
  #free = 0;

  constructor(entries: EntryFields, positionField: number, lengthField: number) {
    this.#entries = entries;
    this.#positionField = positionField;
    this.#lengthField = lengthField;
  }

  /** Bytes of the blocks that are in use. */
  get used(): number {
    return this.#end - this.#free;
  }

  /** The position of a new block; the caller sets the entry's fields. */
  take(length: number): number {
    if (this.#end + length > this.bytes.length) this.#makeRoom(length);
    const at = this.#end;
    this.#end = at + length;
    return at;
  }

  giveBack(length: number): void {
    this.#free += length;
  }

  #makeRoom(length: number): void {
    if (this.#free * 2 > this.#end) this.#compact(length);
    else this.bytes = this.#copied((this.#end + length) * 2);
  }

  #copied(size: number): Buffer<ArrayBuffer> {
    const grown = Buffer.allocUnsafe(size);
    this.bytes.copy(grown, 0, 0, this.#end);
    return grown;
  }

  /** Moves together the blocks that are in use. */
  #compact(length: number): void {
    const entries = this.#entries;
    const to = Buffer.allocUnsafe(Math.max(BYTES_MIN, (this.used + length) * 2));
    let end = 0;
    for (let entry = 0; entry < entries.capacity; entry++) {
      const own = entries.get(entry, this.#lengthField);
      if (own <= 0) continue;
      copySlice(this.bytes, entries.get(entry, this.#positionField), to, end, own);
      entries.set(entry, this.#positionField, end);
      end += own;
    }
    this.bytes = to;
    this.#end = end;
    this.#free = 0;
  }
}
