import { hashOf } from "../model/key-table.ts";

/** Words of a block: a line of the processor's cache holds two. */
const BLOCK_WORDS = 8;
const BLOCK_BYTES = BLOCK_WORDS * Int32Array.BYTES_PER_ELEMENT;
const BITS_EACH = 10;
/** Of the room, what a store takes with few keys, and with some; with many it takes all. */
const SHARES = [1 / 64, 1 / 8, 1];
/** With more keys for each that there is room for, most questions would be answered by "perhaps". */
const OVERLOAD_MAX = 3;
const TWO_TO_32 = 2 ** 32;

/** What is saved begins with it: filters of another hash would deny keys that are there. */
const PROBE = Buffer.from("outrigger key filter");
const CANARY = mixed(hashOf(PROBE, 0, PROBE.length)) | 0;
const HEAD_BYTES = 4;
/** Keys and bytes of a level. */
const LEVEL_HEAD_BYTES = 8;

/**
 * Which keys the disk may have, by their hashes: a Bloom filter whose four bits of a key stand in one block.
 * What was never added is known to be absent, but for about one key in a hundred, and more where
 * there are many keys: nobody asks the disk for it. It must be told of every key that the disk is given.
 */
export class KeyFilter {
  readonly #limit: () => number;
  /** The newest, which takes what is added, is the last. */
  #levels: Level[] = [];
  #isOff: boolean;

  /** `limit` says how many bytes it may take. What is on a disk that `isEmpty` is not is not known. */
  constructor(limit: () => number, isEmpty = true) {
    this.#limit = limit;
    this.#isOff = !isEmpty;
  }

  /** The disk is empty. */
  clear(): void {
    this.#levels = [];
    this.#isOff = false;
  }

  get bytes(): number {
    return this.#levels.reduce((all, { bytes }) => all + bytes, 0);
  }

  mayHave(hash: number): boolean {
    if (this.#isOff) return true;
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      if (this.#levels[i]?.mayHave(hash) === true) return true;
    }
    return false;
  }

  /**
   * One that is there is added once; one of an earlier level once more, which costs less than to look at
   * them all. Without room for it, it no longer tells anything.
   */
  add(hash: number): void {
    if (this.#isOff) return;
    let level = this.#levels.at(-1);
    if (level === undefined || level.count >= level.room) {
      if (level?.mayHave(hash) === true) return;
      level = this.#next();
    }
    level?.add(hash);
    if (level === undefined || level.count > level.room * OVERLOAD_MAX) this.#turnOff();
  }

  /**
   * Adds many. Each is at another place of memory, which is slow to come: all are asked for before the
   * first is waited for.
   */
  addAll(hashes: Int32Array, count: number): void {
    this.#levels.at(-1)?.touch(hashes, count);
    for (let i = 0; i < count; i++) this.add(hashes[i] as number);
  }

  /** The one that takes what is added: a new one, unless there are as many as there may be. */
  #next(): Level | undefined {
    let level = this.#levels.at(-1);
    while (level === undefined || level.count >= level.room) {
      const share = SHARES[this.#levels.length];
      if (share === undefined) break;
      level = new Level(this.#limit() * share - this.bytes);
      this.#levels.push(level);
    }
    return level;
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
    return Buffer.concat([head, ...this.#levels.map((level) => level.save())]);
  }

  /** Takes over what was saved; what is too large by now, or of other hashes, is left alone. */
  load(saved: Buffer): void {
    if (saved.length < HEAD_BYTES || saved.readInt32LE(0) !== CANARY) return;
    this.clear();
    for (let at = HEAD_BYTES; at < saved.length; ) {
      const level = Level.of(saved.subarray(at));
      this.#levels.push(level);
      at += LEVEL_HEAD_BYTES + level.bytes;
    }
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

  static of(saved: Buffer): Level {
    const level = new Level(saved.readUInt32LE(4));
    for (let i = 0, at = LEVEL_HEAD_BYTES; i < level.#words.length; i++, at += 4) {
      level.#words[i] = saved.readInt32LE(at);
    }
    level.count = saved.readUInt32LE(0);
    return level;
  }

  save(): Buffer {
    const saved = Buffer.allocUnsafe(LEVEL_HEAD_BYTES + this.bytes);
    saved.writeUInt32LE(this.count, 0);
    saved.writeUInt32LE(this.bytes, 4);
    for (let i = 0, at = LEVEL_HEAD_BYTES; i < this.#words.length; i++, at += 4) {
      saved.writeInt32LE(this.#words[i] as number, at);
    }
    return saved;
  }

  get bytes(): number {
    return this.#blocks * BLOCK_BYTES;
  }

  /** Counts those that it did not seem to have. */
  add(hash: number): void {
    const words = this.#words;
    const block = this.#blockOf(hash);
    let isNew = 0;
    for (let pair = 0, bits = mixed(hash); pair < BLOCK_WORDS; pair += 2, bits >>>= 6) {
      const word = block + pair + ((bits >>> 5) & 1);
      const before = words[word] as number;
      const after = before | (1 << (bits & 31));
      words[word] = after;
      isNew |= before ^ after;
    }
    if (isNew !== 0) this.count += 1;
  }

  /**
   * Brings what `add` looks at into the processor's cache. The answer means nothing: it keeps the work from
   * being left out.
   */
  touch(hashes: Int32Array, count: number): number {
    const words = this.#words;
    let all = 0;
    for (let i = 0; i < count; i++) all |= words[this.#blockOf(hashes[i] as number)] as number;
    return all;
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
