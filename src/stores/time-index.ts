import { entryTime } from "../model/entry-time.ts";
import { writeLong } from "../model/key-table.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { PageLimits } from "../ports/store.ts";
import type { Database, Entry } from "./database.ts";
import * as layout from "./layout.ts";

const TIME_BYTES = 8;
/** Names that are known to be indexed: what is written again and again is indexed once. */
const KNOWN_MAX = 65_536;
const PAGE: PageLimits = { entriesMax: 1_000, bytesMax: 1_048_576 };
const NOTHING = Buffer.alloc(0);

/**
 * The entries of one store by time, `time | key` without a value, so that what has expired is found and
 * nothing else is looked at. It lives in the task's RocksDB alone, and is written in one batch with
 * the entries.
 */
export class TimeIndex {
  readonly #spec: StoreSpec;
  readonly #prefix: number;
  readonly #known = new Set<string>();

  constructor(spec: StoreSpec, prefix: number) {
    this.#spec = spec;
    this.#prefix = layout.indexPrefix(prefix);
  }

  /** Adds what an entry's change means for the index. */
  changed(key: Buffer, isDelete: boolean, entries: Entry[]): void {
    const name = key.toString("latin1");
    if (isDelete) {
      this.#known.delete(name);
      entries.push([this.#indexKey(key), null]);
      return;
    }
    if (this.#known.has(name)) return;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.add(name);
    entries.push([this.#indexKey(key), NOTHING]);
  }

  /** Up to so many keys of a time up to `timeMs`, the eldest first. */
  async upTo(database: Database, timeMs: number, entriesMax: number): Promise<Buffer[]> {
    if (!(timeMs >= 0)) return [];
    const to = Buffer.alloc(TIME_BYTES);
    writeLong(to, 0, timeMs + 1);
    const range = layout.storeRange(this.#prefix, { from: null, to });
    const limits = { entriesMax, bytesMax: PAGE.bytesMax };
    const { entries } = await database.scan({ ...range, reverse: false }, limits, () => false);
    return entries.map(([key]) => key.subarray(layout.PREFIX_BYTES + TIME_BYTES));
  }

  /**
   * Keys of a time within `(afterMs, upToMs]` that `hides` does not hold for, eldest first, up to so many;
   * `more` where there may be others.
   */
  async between(
    database: Database,
    afterMs: number,
    upToMs: number,
    entriesMax: number,
    hides: (key: Buffer) => boolean,
  ): Promise<{ keys: Buffer[]; more: boolean }> {
    const range = layout.storeRange(this.#prefix, {
      // All times before 1970 stand at 0.
      from: afterMs < 0 ? null : timeBound(afterMs + 1),
      to: upToMs < Number.MAX_SAFE_INTEGER ? timeBound(Math.max(0, upToMs) + 1) : null,
    });
    const limits = { entriesMax, bytesMax: Number.POSITIVE_INFINITY };
    const keyAt = layout.PREFIX_BYTES + TIME_BYTES;
    const isHidden = (indexed: Buffer): boolean => {
      const key = indexed.subarray(keyAt);
      const time = entryTime(this.#spec.kind, key);
      return time <= afterMs || time > upToMs || hides(key);
    };
    const { entries, more } = await database.scan({ ...range, reverse: false }, limits, isHidden);
    return { keys: entries.map(([key]) => key.subarray(keyAt)), more };
  }

  /** Times before 1970, which would sort behind all others, stand first. */
  #indexKey(key: Buffer): Buffer {
    const indexed = Buffer.allocUnsafe(TIME_BYTES + key.length);
    writeLong(indexed, 0, Math.max(0, entryTime(this.#spec.kind, key)));
    key.copy(indexed, TIME_BYTES);
    return layout.storeKey(this.#prefix, indexed);
  }
}

function timeBound(timeMs: number): Buffer {
  const bound = Buffer.alloc(TIME_BYTES);
  writeLong(bound, 0, timeMs);
  return bound;
}

/** Indexes what an elder version wrote without, once, page by page. */
export async function indexOnce(
  database: Database,
  stores: readonly StoreSpec[],
  prefixes: readonly number[],
  indexes: readonly (TimeIndex | null)[],
): Promise<void> {
  const done = layout.decodeNumbers(await database.get(layout.INDEXED_KEY));
  const before = done.size;
  for (const [store, index] of indexes.entries()) {
    const spec = stores[store];
    if (index === null || spec === undefined) continue;
    const name = layout.nameOnDisk(spec);
    if (done.has(name)) continue;
    const prefix = prefixes[store] ?? 0;
    const { from, to } = layout.storeRange(prefix, { from: null, to: null });
    for (let first = from, more = true; more; ) {
      const page = await database.scan({ from: first, to, reverse: false }, PAGE, () => false);
      const entries: Entry[] = [];
      for (const [key] of page.entries) {
        index.changed(key.subarray(layout.PREFIX_BYTES), false, entries);
      }
      await database.write(entries);
      const last = page.entries.at(-1)?.[0];
      more = page.more && last !== undefined;
      if (last !== undefined) first = Buffer.concat([last, Buffer.alloc(1)]);
    }
    done.set(name, prefix);
  }
  if (done.size === before) return;
  await database.write([[layout.INDEXED_KEY, layout.encodeNumbers(done)]]);
}
