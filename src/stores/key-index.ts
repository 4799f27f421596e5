import { copySlice, Slices } from "../model/slices.ts";
import { type EntryFields, HASH, KEY_LENGTH, KEY_POSITION } from "./entry-fields.ts";
import { Heap } from "./heap.ts";

const FREE = -1;

/**
 * Keys, each with the number of an entry: open addressing, the hash beside the number, over one heap of
 * bytes. Numbers of entries that were removed are given again.
 */
export class KeyIndex {
  readonly #entries: EntryFields;
  readonly #heap: Heap;
  readonly #slices = new Slices();
  /** Entry + 1 and hash for each bucket; 0 is empty. */
  #buckets: Int32Array;
  #firstFree = -1;
  /** Entries from this one on were never given. */
  #fresh = 0;
  #count = 0;
  /** How often a key was removed: numbers that were found before may be others'. */
  removals = 0;

  constructor(entries: EntryFields) {
    this.#entries = entries;
    this.#heap = new Heap(entries, KEY_POSITION, KEY_LENGTH);
    this.#buckets = new Int32Array(entries.capacity * 4);
  }

  get count(): number {
    return this.#count;
  }

  /** Every entry's number is below this. */
  get end(): number {
    return this.#fresh;
  }

  get keyBytes(): number {
    return this.#heap.used;
  }

  get bytes(): Buffer {
    return this.#heap.bytes;
  }

  isFree(entry: number): boolean {
    return this.#entries.get(entry, KEY_LENGTH) === FREE;
  }

  /** The key's entry; -1 where there is none. */
  find(hash: number, bytes: Buffer, position: number, length: number): number {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const entry = (buckets[at] as number) - 1;
      if (entry < 0) return -1;
      if (buckets[at + 1] === hash && this.#holds(entry, bytes, position, length)) return entry;
    }
  }

  /** A new entry for a key that has none, without a value. */
  add(hash: number, bytes: Buffer, position: number, length: number): number {
    const entries = this.#entries;
    const entry = this.#take();
    // Free, while the heap makes room.
    const at = this.#heap.take(length);
    copySlice(bytes, position, this.#heap.bytes, at, length);
    entries.clear(entry);
    entries.set(entry, HASH, hash);
    entries.set(entry, KEY_POSITION, at);
    entries.set(entry, KEY_LENGTH, length);
    this.#count += 1;
    this.#place(entry, hash);
    return entry;
  }

  remove(entry: number): void {
    const entries = this.#entries;
    this.#unplace(entry);
    this.#heap.giveBack(entries.get(entry, KEY_LENGTH));
    entries.set(entry, KEY_LENGTH, FREE);
    entries.set(entry, KEY_POSITION, this.#firstFree);
    this.#firstFree = entry;
    this.#count -= 1;
    this.removals += 1;
  }

  #take(): number {
    const entry = this.#firstFree;
    if (entry >= 0) {
      this.#firstFree = this.#entries.get(entry, KEY_POSITION);
      return entry;
    }
    if (this.#fresh === this.#entries.capacity) this.#grow();
    return this.#fresh++;
  }

  #grow(): void {
    const entries = this.#entries;
    entries.grow();
    this.#buckets = new Int32Array(entries.capacity * 4);
    for (let entry = 0; entry < this.#fresh; entry++) {
      if (!this.isFree(entry)) this.#place(entry, entries.get(entry, HASH));
    }
  }

  #place(entry: number, hash: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let at = (hash << 1) & mask;
    while (buckets[at] !== 0) at = (at + 2) & mask;
    buckets[at] = entry + 1;
    buckets[at + 1] = hash;
  }

  /** Closes the gap: what stands behind it, and may stand in it, moves up. */
  #unplace(entry: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let gap = (this.#entries.get(entry, HASH) << 1) & mask;
    while (buckets[gap] !== entry + 1) gap = (gap + 2) & mask;
    for (let at = (gap + 2) & mask; buckets[at] !== 0; at = (at + 2) & mask) {
      const home = ((buckets[at + 1] as number) << 1) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      buckets[gap] = buckets[at] as number;
      buckets[gap + 1] = buckets[at + 1] as number;
      gap = at;
    }
    buckets[gap] = 0;
  }

  #holds(entry: number, bytes: Buffer, position: number, length: number): boolean {
    const entries = this.#entries;
    if (entries.get(entry, KEY_LENGTH) !== length) return false;
    const at = entries.get(entry, KEY_POSITION);
    return this.#slices.equal(this.#heap.bytes, at, bytes, position, length);
  }
}
