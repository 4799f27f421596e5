import { invariant } from "../errors/invariant.ts";
import { hashOf } from "../model/key-table.ts";

/** A record that waits: its place in the task's order, and what it weighs. */
export interface ParkedRecord {
  readonly sequence: number;
  readonly bytes: number;
}

export interface ParkedLimits {
  /** `parked.max.records`, of one task. */
  readonly recordsMax: number;
  /** `parked.max.bytes`, of one task. */
  readonly bytesMax: number;
}

const NONE: readonly ParkedRecord[] = [];

/**
 * The keys of one task that wait, and the order of their records: what has to be known before anything
 * is dispatched. As of what is planned, so batches that are taken back undo what they added. Bounded by
 * its limits; keys and values are in the store.
 */
export class ParkedKeys {
  readonly #byKey = new Map<string, ParkedRecord[]>();
  /** Of the keys, by hash: how many have it. Most rows are let pass without making a string. */
  readonly #hashes = new Map<number, number>();
  #records = 0;
  #bytes = 0;
  #next = 0;

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Keys as latin1, those that waited first come first. */
  names(): string[] {
    return [...this.#byKey.keys()];
  }

  of(key: string): readonly ParkedRecord[] {
    return this.#byKey.get(key) ?? NONE;
  }

  /** The key in `bytes`, as latin1, where it waits. */
  find(bytes: Buffer, position: number, length: number): string | null {
    if (length < 0 || !this.#hashes.has(hashOf(bytes, position, length))) return null;
    const name = bytes.toString("latin1", position, position + length);
    return this.#byKey.has(name) ? name : null;
  }

  hasRoom(bytes: number, { recordsMax, bytesMax }: ParkedLimits): boolean {
    return this.#records < recordsMax && this.#bytes + bytes <= bytesMax;
  }

  /** Places are never given twice, so they may have gaps. */
  nextSequence(): number {
    return this.#next++;
  }

  /** Behind all others of its key. */
  add(key: string, record: ParkedRecord): void {
    const known = this.#byKey.get(key);
    if (known === undefined) {
      this.#byKey.set(key, [record]);
      this.#count(key, 1);
    } else {
      invariant(
        (known.at(-1)?.sequence ?? -1) < record.sequence,
        "parked records keep their order",
      );
      known.push(record);
    }
    this.#records += 1;
    this.#bytes += record.bytes;
    this.#next = Math.max(this.#next, record.sequence + 1);
  }

  /** It was released or dropped, or the batch that parked it was taken back. */
  remove(key: string, sequence: number): void {
    const known = this.#byKey.get(key) ?? [];
    const at = known.findIndex((record) => record.sequence === sequence);
    const record = known[at];
    invariant(record !== undefined, "what is not parked cannot be released");
    known.splice(at, 1);
    this.#records -= 1;
    this.#bytes -= record.bytes;
    if (known.length > 0) return;
    this.#byKey.delete(key);
    this.#count(key, -1);
  }

  #count(key: string, by: number): void {
    const bytes = Buffer.from(key, "latin1");
    const hash = hashOf(bytes, 0, bytes.length);
    const count = (this.#hashes.get(hash) ?? 0) + by;
    if (count > 0) this.#hashes.set(hash, count);
    else this.#hashes.delete(hash);
  }
}
