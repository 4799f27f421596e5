import { Slices } from "./slices.ts";

/** First capacities; both grow by doubling. */
const ENTRIES_MIN = 64;
const BYTES_PER_KEY = 24;
const ENTRIES_EXPECTED_MAX = 4_096;
/** `| int64 start | int32 sequence number`, behind the key, as Kafka Streams' window store has it. */
const SUFFIX_BYTES = 12;
/** `| int64 end | int64 start`, behind the key, as Kafka Streams' session store has it. */
const SESSION_BYTES = 16;
const TWO_TO_32 = 2 ** 32;

/** Keys with their hashes, as positions in one buffer. */
export interface KeyColumns {
  readonly count: number;
  readonly bytes: Buffer;
  /** Position and length of each key, two ints each. */
  readonly positions: Int32Array;
  /** `hashOf` each key. */
  readonly hashes: Int32Array;
  /** Where a state found them. */
  found?: FoundKeys;
}

/** Where a state found keys, so that it need not look for them again when they change. */
export interface FoundKeys {
  /** Who found them: the numbers mean nothing to others. */
  readonly by: object;
  /** By key; -1 for one that was not found. */
  readonly entries: Int32Array;
  /** The numbers hold as long as `by` is at this. */
  readonly stamp: number;
}

/**
 * The distinct keys of a batch, each with a slot: open addressing over one arena of bytes, the hash
 * kept beside the slot. No object per key or per record.
 */
export class KeyTable {
  #count = 0;
  /** Slot + 1 for each bucket; 0 is empty. */
  #buckets: Int32Array;
  #hashes: Int32Array;
  /** Position and length of each slot's key. */
  #positions: Int32Array;
  #bytes: Buffer;
  #end = 0;
  readonly #suffix = Buffer.alloc(SUFFIX_BYTES);
  readonly #slices = new Slices();
  /** Of the table's own bytes. */
  readonly #own = new Slices();

  /** With room for about so many keys; there may be more. */
  constructor(expected = 0) {
    let capacity = ENTRIES_MIN;
    while (capacity < expected && capacity < ENTRIES_EXPECTED_MAX) capacity *= 2;
    this.#buckets = new Int32Array(capacity * 2);
    this.#hashes = new Int32Array(capacity);
    this.#positions = new Int32Array(capacity * 2);
    this.#bytes = Buffer.allocUnsafe(capacity * BYTES_PER_KEY);
  }

  /** How many distinct keys there are. */
  get count(): number {
    return this.#count;
  }

  /** The slot of a key: a new one, or that of an equal key. */
  add(bytes: Buffer, position: number, length: number): number {
    this.#reserve(length);
    this.#slices.copy(bytes, position, this.#bytes, this.#end, length);
    return this.#settle(length);
  }

  /** What `addWithSuffix` puts behind keys from here on: `int64 windowStart | int32 0`, big-endian. */
  useSuffix(windowStart: number): void {
    writeLong(this.#suffix, 0, windowStart);
  }

  /** The slot of the key and the suffix. */
  addWithSuffix(bytes: Buffer, position: number, length: number): number {
    this.#reserve(length + SUFFIX_BYTES);
    const arena = this.#bytes;
    this.#slices.copy(bytes, position, arena, this.#end, length);
    const suffix = this.#suffix;
    const at = this.#end + length;
    for (let i = 0; i < SUFFIX_BYTES; i++) arena[at + i] = suffix[i] as number;
    return this.#settle(length + SUFFIX_BYTES);
  }

  /** The slot of `key | int64 end | int64 start`, big-endian. */
  addSession(bytes: Buffer, position: number, length: number, start: number, end: number): number {
    this.#reserve(length + SESSION_BYTES);
    const arena = this.#bytes;
    this.#slices.copy(bytes, position, arena, this.#end, length);
    writeLong(arena, this.#end + length, end);
    writeLong(arena, this.#end + length + 8, start);
    return this.#settle(length + SESSION_BYTES);
  }

  /** The keys by slot. The view is of this table's memory: add nothing while it is in use. */
  keys(): KeyColumns {
    return {
      count: this.#count,
      positions: this.#positions,
      bytes: this.#bytes,
      hashes: this.#hashes,
    };
  }

  /** Forgets every key; memory given out by `keys` before is left alone. */
  clear(): void {
    this.#count = 0;
    this.#end = 0;
    this.#buckets.fill(0);
    this.#positions = new Int32Array(this.#positions.length);
    this.#hashes = new Int32Array(this.#hashes.length);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
  }

  /** The candidate key stands at the arena's end: keeps it, or gives the slot of its equal. */
  #settle(length: number): number {
    const bytes = this.#bytes;
    const hash = hashOf(bytes, this.#end, length);
    const mask = this.#buckets.length - 1;
    let bucket = hash & mask;
    for (;;) {
      const slot = (this.#buckets[bucket] as number) - 1;
      if (slot < 0) return this.#keep(bucket, hash, length);
      if (this.#hashes[slot] === hash && this.#equals(slot, length)) return slot;
      bucket = (bucket + 1) & mask;
    }
  }

  #keep(bucket: number, hash: number, length: number): number {
    const slot = this.#count++;
    this.#buckets[bucket] = slot + 1;
    this.#hashes[slot] = hash;
    this.#positions[slot * 2] = this.#end;
    this.#positions[slot * 2 + 1] = length;
    this.#end += length;
    return slot;
  }

  #equals(slot: number, length: number): boolean {
    if (this.#positions[slot * 2 + 1] !== length) return false;
    const bytes = this.#bytes;
    const at = this.#positions[slot * 2] as number;
    return this.#own.equal(bytes, this.#end, bytes, at, length);
  }

  #reserve(length: number): void {
    if (this.#end + length > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + length));
      this.#bytes.copy(bytes, 0, 0, this.#end);
      this.#bytes = bytes;
    }
    if (this.#count < this.#hashes.length) return;
    const capacity = this.#hashes.length * 2;
    const hashes = new Int32Array(capacity);
    hashes.set(this.#hashes);
    const positions = new Int32Array(capacity * 2);
    positions.set(this.#positions);
    this.#hashes = hashes;
    this.#positions = positions;
    this.#buckets = new Int32Array(capacity * 2);
    const mask = this.#buckets.length - 1;
    for (let slot = 0; slot < this.#count; slot++) {
      let bucket = (hashes[slot] as number) & mask;
      while (this.#buckets[bucket] !== 0) bucket = (bucket + 1) & mask;
      this.#buckets[bucket] = slot + 1;
    }
  }
}

/** A time in ms as an int64, big-endian; exact to 2^53. */
export function writeLong(to: Buffer, at: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32);
  to.writeInt32BE(high, at);
  to.writeUInt32BE(value - high * TWO_TO_32, at + 4);
}

/** What `writeLong` wrote. */
export function readLong(from: Buffer, at: number): number {
  return from.readInt32BE(at) * TWO_TO_32 + from.readUInt32BE(at + 4);
}

/** By words of four bytes, with a final mix: the low bits, which choose the bucket, depend on every byte. */
export function hashOf(bytes: Buffer, position: number, length: number): number {
  let hash = 0x811c9dc5 ^ length;
  const end = position + length;
  let at = position;
  for (; at <= end - 4; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 12);
}
