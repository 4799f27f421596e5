import { timeOfValue } from "../model/entry-time.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { Database, Entry } from "./database.ts";
import { type EntryIndex, KNOWN_MAX, TIME_BYTES } from "./entry-index.ts";
import * as layout from "./layout.ts";

const NOTHING = Buffer.alloc(0);
const SCAN_BYTES_MAX = 1_048_576;

/** An entry of the index: the time under which it stands, and the key of the store's entry. */
export interface Indexed {
  readonly timeMs: number;
  readonly key: Buffer;
}

/** What a look at the index may forget at its end, where nothing was written meanwhile. */
export interface Look {
  /** Names of the entries that were written since it began. */
  readonly written: Set<string>;
}

/**
 * Entries whose time stands in the first bytes of their value, and changes with it: `time | key` without a
 * value. Each live entry stands in the index under its time *or an earlier one*: to be written again with a
 * later time costs the index nothing. What comes up too early is stale, and is moved to its time by the
 * next write, or dropped where there is no such entry any more.
 */
export class ValueTimeIndex implements EntryIndex {
  readonly #prefix: number;
  /** The earliest time under which a name is known to stand. */
  readonly #known = new Map<string, number>();
  readonly #stale = new Map<string, Indexed & { readonly actualMs: number | null }>();
  readonly #looks = new Set<Look>();
  /** Names of the write under way: what a look reads of them may be old. */
  readonly #writing = new Set<string>();

  constructor(prefix: number) {
    this.#prefix = layout.indexPrefix(prefix);
  }

  changed(key: Buffer, value: Buffer | null, entries: Entry[]): void {
    const name = key.toString("latin1");
    this.#stale.delete(name);
    this.#writing.add(name);
    for (const { written } of this.#looks) written.add(name);
    const known = this.#known.get(name);
    if (value === null) {
      this.#known.delete(name);
      if (known !== undefined) entries.push([this.#indexKey(known, key), null]);
      return;
    }
    const timeMs = timeOfValue(value);
    if (known !== undefined && known <= timeMs) return;
    if (known !== undefined) entries.push([this.#indexKey(known, key), null]);
    this.#add(name, timeMs, key, entries);
  }

  /** Moves what was found stale: with the next write, so that it is never missing. */
  mend(entries: Entry[]): void {
    for (const [name, { key, timeMs, actualMs }] of this.#stale) {
      entries.push([this.#indexKey(timeMs, key), null]);
      const known = this.#known.get(name);
      if (known === timeMs) this.#known.delete(name);
      if (actualMs !== null) this.#add(name, actualMs, key, entries);
    }
    this.#stale.clear();
  }

  wrote(): void {
    this.#writing.clear();
  }

  lookAnew(): void {}

  look(): Look {
    const look = { written: new Set(this.#writing) };
    this.#looks.add(look);
    return look;
  }

  looked(look: Look): void {
    this.#looks.delete(look);
  }

  /** `actualMs`: the time of the committed entry, null where there is none. */
  foundStale(look: Look, { key, timeMs }: Indexed, actualMs: number | null): void {
    const name = key.toString("latin1");
    if (this.#stale.size >= KNOWN_MAX || look.written.has(name)) return;
    this.#stale.set(name, { key, timeMs, actualMs });
  }

  /** A page of what stands under times up to `timeMs`, behind `after`. */
  async page(
    database: Database,
    timeMs: number,
    after: Indexed | null,
    entriesMax: number,
  ): Promise<{ readonly found: readonly Indexed[]; readonly more: boolean }> {
    if (!(timeMs >= 0)) return { found: [], more: false };
    const to = Buffer.alloc(TIME_BYTES);
    // Where a double cannot tell the next number, the last ones are left out: nobody reaches them.
    writeLong(to, 0, Math.min(timeMs, Number.MAX_SAFE_INTEGER) + 1);
    const range = layout.storeRange(this.#prefix, { from: null, to });
    const from =
      after === null
        ? range.from
        : Buffer.concat([this.#indexKey(after.timeMs, after.key), Buffer.alloc(1)]);
    const limits = { entriesMax, bytesMax: SCAN_BYTES_MAX };
    const bounds = { from, to: range.to, reverse: false };
    const { entries, more } = await database.scan(bounds, limits, () => false);
    const found = entries.map(([key]) => ({
      timeMs: readLong(key, layout.PREFIX_BYTES),
      key: key.subarray(layout.PREFIX_BYTES + TIME_BYTES),
    }));
    return { found, more };
  }

  #add(name: string, timeMs: number, key: Buffer, entries: Entry[]): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(name, timeMs);
    entries.push([this.#indexKey(timeMs, key), NOTHING]);
  }

  #indexKey(timeMs: number, key: Buffer): Buffer {
    const indexed = Buffer.allocUnsafe(TIME_BYTES + key.length);
    writeLong(indexed, 0, timeMs);
    key.copy(indexed, TIME_BYTES);
    return layout.storeKey(this.#prefix, indexed);
  }
}

/** Whether the values of a store begin with the time that its entries are found by. */
export function isFoundByValue({ kind, retentionMs }: StoreSpec): boolean {
  return kind === "keyValue" && retentionMs !== undefined;
}
