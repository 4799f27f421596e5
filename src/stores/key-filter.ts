import { hashOf } from "../model/key-table.ts";

/** Words of a block: a line of the processor's cache holds two. */
const BLOCK_WORDS = 8;
const BLOCK_BYTES = BLOCK_WORDS * Int32Array.BYTES_PER_ELEMENT;
const BITS_EACH = 10;
/** Of the room, what a store with few keys takes. */
const FIRST_SHARE = 1 / 64;
/** With more keys for each that there is room for, most questions would be answered by "perhaps". */
const OVERLOAD_MAX = 5;
const TWO_TO_32 = 2 ** 32;

/** What is saved begins with it: filters of another hash would deny keys that are there. */
const PROBE = Buffer.from("outrigger key filter");
const CANARY = mixed(hashOf(PROBE, 0, PROBE.length)) | 0;
const HEAD_BYTES = 16;

/**
 * Which keys the disk may have, by their hashes: a Bloom filter whose four bits of a key stand in one block.
 * What was never added is known to be absent, but for about one key in a hundred, and more where
 * there are many keys: nobody asks the disk for it. It must be told of every key that the disk is given.
 */
export class KeyFilter {
  readonly #limit: () => number;
  #first = new Level(0);
  #second = new Level(0);
  #isOff: boolean;

  /** `limit` says how many bytes it may take. What is on a disk that `isEmpty` is not is not known. */
  constructor(limit: () => number, isEmpty = true) {
    this.#limit = limit;
    this.#isOff = !isEmpty;
  }

  /** The disk is empty. */
  clear(): void {
    this.#first = new Level(0);
    this.#second = new Level(0);
    this.#isOff = false;
  }

  get bytes(): number {
    return this.#first.bytes + this.#second.bytes;
  }

  mayHave(hash: number): boolean {
    return this.#isOff || this.#first.mayHave(hash) || this.#second.mayHave(hash);
  }

  /** Without room for it, it no longer tells anything. */
  add(hash: number): void {
    if (this.#isOff) return;
    if (this.#first.room === 0) this.#first = new Level(this.#limit() * FIRST_SHARE);
    if (this.#first.count < this.#first.room) {
      this.#first.add(hash);
      return;
    }
    if (this.#second.room === 0) this.#second = new Level(this.#limit() - this.#first.bytes);
    this.#second.add(hash);
    if (this.#second.count > this.#second.room * OVERLOAD_MAX) this.#turnOff();
  }

  /** Keeps the bound: as others come, it may have become too large. */
  shrink(): void {
    if (this.bytes > this.#limit()) this.#turnOff();
  }

  /** Its bytes, for `load`; null where it tells nothing. */
  save(): Buffer | null {
    if (this.#isOff) return null;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeInt32LE(CANARY, 0);
    head.writeUInt32LE(this.#first.count, 4);
    head.writeUInt32LE(this.#second.count, 8);
    head.writeUInt32LE(this.#first.bytes, 12);
    return Buffer.concat([head, this.#first.save(), this.#second.save()]);
  }

  /** Takes over what was saved; what is too large by now, or of other hashes, is left alone. */
  load(saved: Buffer): void {
    if (saved.length < HEAD_BYTES || saved.readInt32LE(0) !== CANARY) return;
    const middle = HEAD_BYTES + saved.readUInt32LE(12);
    this.clear();
    this.#first = Level.of(saved.subarray(HEAD_BYTES, middle), saved.readUInt32LE(4));
    this.#second = Level.of(saved.subarray(middle), saved.readUInt32LE(8));
    this.shrink();
  }

  #turnOff(): void {
    this.clear();
    this.#isOff = true;
  }
}

class Level {
  count = 0;
  /** Keys that it is made for. */
  readonly room: number;
  readonly #blocks: number;
  readonly #words: Int32Array;

  constructor(bytes: number) {
    this.#blocks = Math.max(0, Math.floor(bytes / BLOCK_BYTES));
    this.#words = new Int32Array(this.#blocks * BLOCK_WORDS);
    this.room = Math.floor((this.bytes * 8) / BITS_EACH);
  }

  static of(saved: Buffer, count: number): Level {
    const level = new Level(saved.length);
    for (let i = 0; i < level.#words.length; i++) level.#words[i] = saved.readInt32LE(i * 4);
    level.count = count;
    return level;
  }

  save(): Buffer {
    const saved = Buffer.allocUnsafe(this.bytes);
    for (let i = 0; i < this.#words.length; i++)
      saved.writeInt32LE(this.#words[i] as number, i * 4);
    return saved;
  }

  get bytes(): number {
    return this.#blocks * BLOCK_BYTES;
  }

  add(hash: number): void {
    this.count += 1;
    const words = this.#words;
    const block = this.#blockOf(hash);
    for (let pair = 0, bits = mixed(hash); pair < BLOCK_WORDS; pair += 2, bits >>>= 6) {
      const word = block + pair + ((bits >>> 5) & 1);
      words[word] = (words[word] as number) | (1 << (bits & 31));
    }
  }

  mayHave(hash: number): boolean {
    if (this.count === 0) return false;
    const words = this.#words;
    const block = this.#blockOf(hash);
    for (let pair = 0, bits = mixed(hash); pair < BLOCK_WORDS; pair += 2, bits >>>= 6) {
      const word = words[block + pair + ((bits >>> 5) & 1)] as number;
      if ((word & (1 << (bits & 31))) === 0) return false;
    }
    return true;
  }

  #blockOf(hash: number): number {
    return Math.floor(((hash >>> 0) / TWO_TO_32) * this.#blocks) * BLOCK_WORDS;
  }
}

/** Bits that say nothing of which block it is. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
