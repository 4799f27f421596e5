import { copySlice, equalSlices } from "../model/slices.ts";
import { Heap } from "./heap.ts";

const ENTRIES_MIN = 64;
const FREE = -1;

/**
 * Keys, each with the number of an entry: open addressing over one heap of bytes. Numbers of entries that
 * were removed are given again.
 */
export class KeyIndex {
  /** Entry + 1 for each bucket; 0 is empty. */
  #buckets = new Int32Array(ENTRIES_MIN * 2);
  #hashes = new Int32Array(ENTRIES_MIN);
  /** Where an entry's key stands; of a free entry the next one, or -1. */
  #positions = new Int32Array(ENTRIES_MIN);
  #lengths = new Int32Array(ENTRIES_MIN).fill(FREE);
  #heap = new Heap();
  #firstFree = -1;
  /** Entries from this one on were never given. */
  #fresh = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Every entry's number is below this. */
  get end(): number {
    return this.#fresh;
  }

  get capacity(): number {
    return this.#hashes.length;
  }

  get keyBytes(): number {
    return this.#heap.used;
  }

  get bytes(): Buffer {
    return this.#heap.bytes;
  }

  position(entry: number): number {
    return this.#positions[entry] as number;
  }

  /** -1 for an entry that is free. */
  length(entry: number): number {
    return this.#lengths[entry] as number;
  }

  hash(entry: number): number {
    return this.#hashes[entry] as number;
  }

  /** The key's entry; -1 where there is none. */
  find(hash: number, bytes: Buffer, position: number, length: number): number {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    for (let bucket = hash & mask; ; bucket = (bucket + 1) & mask) {
      const entry = (buckets[bucket] as number) - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] !== hash || this.#lengths[entry] !== length) continue;
      const at = this.#positions[entry] as number;
      if (equalSlices(this.#heap.bytes, at, bytes, position, length)) return entry;
    }
  }

  /** A new entry for a key that has none; `capacity` may have grown. */
  add(hash: number, bytes: Buffer, position: number, length: number): number {
    if (this.#heap.isWasteful(length)) {
      this.#heap.compact(this.#positions, this.#lengths, this.#fresh);
    }
    const entry = this.#take();
    const at = this.#heap.take(length);
    copySlice(bytes, position, this.#heap.bytes, at, length);
    this.#hashes[entry] = hash;
    this.#positions[entry] = at;
    this.#lengths[entry] = length;
    this.#count += 1;
    this.#place(entry, hash);
    return entry;
  }

  remove(entry: number): void {
    this.#unplace(entry);
    this.#heap.giveBack(this.#lengths[entry] as number);
    this.#lengths[entry] = FREE;
    this.#positions[entry] = this.#firstFree;
    this.#firstFree = entry;
    this.#count -= 1;
  }

  #take(): number {
    const entry = this.#firstFree;
    if (entry >= 0) {
      this.#firstFree = this.#positions[entry] as number;
      return entry;
    }
    if (this.#fresh === this.#hashes.length) this.#grow();
    return this.#fresh++;
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    this.#hashes = grown(this.#hashes, capacity, 0);
    this.#positions = grown(this.#positions, capacity, 0);
    this.#lengths = grown(this.#lengths, capacity, FREE);
    this.#buckets = new Int32Array(capacity * 2);
    for (let entry = 0; entry < this.#fresh; entry++) {
      if (this.length(entry) !== FREE) this.#place(entry, this.hash(entry));
    }
  }

  #place(entry: number, hash: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let bucket = hash & mask;
    while (buckets[bucket] !== 0) bucket = (bucket + 1) & mask;
    buckets[bucket] = entry + 1;
  }

  /** Closes the gap: what stands behind it, and may stand in it, moves up. */
  #unplace(entry: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let gap = this.hash(entry) & mask;
    while (buckets[gap] !== entry + 1) gap = (gap + 1) & mask;
    for (let bucket = (gap + 1) & mask; buckets[bucket] !== 0; bucket = (bucket + 1) & mask) {
      const home = this.hash((buckets[bucket] as number) - 1) & mask;
      if (((bucket - home) & mask) < ((bucket - gap) & mask)) continue;
      buckets[gap] = buckets[bucket] as number;
      gap = bucket;
    }
    buckets[gap] = 0;
  }
}

/** A longer copy; what is new holds `rest`. */
export function grown(from: Int32Array, length: number, rest: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length).fill(rest, from.length);
  to.set(from);
  return to;
}
