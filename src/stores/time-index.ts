import type { ChangeColumns } from "../model/changes.ts";
import { entryTime, suffixBytesOfKind } from "../model/entry-time.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import { Slices } from "../model/slices.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { PageLimits } from "../ports/store.ts";
import type { Database, Entry, EntryColumns } from "./database.ts";
import { type EntryIndex, KNOWN_MAX, TIME_BYTES } from "./entry-index.ts";
import * as layout from "./layout.ts";
import { isFoundByValue, ValueTimeIndex } from "./value-times.ts";

const PAGE: PageLimits = { entriesMax: 1_000, bytesMax: 1_048_576 };
const NOTHING = Buffer.alloc(0);

/** The index of a store by time; null where it has none. */
export function indexOf(spec: StoreSpec, prefix: number): TimeIndex | ValueTimeIndex | null {
  if (isFoundByValue(spec)) return new ValueTimeIndex(prefix);
  if (spec.retentionMs === undefined && spec.isTimed !== true) return null;
  return new TimeIndex(spec, prefix);
}

/**
 * The entries of one windowed store by time, `time | key` without a value, so that what has expired is
 * found and nothing else is looked at. It lives in the task's RocksDB alone, and is written in one batch with
 * the entries.
 */
export class TimeIndex implements EntryIndex {
  readonly #spec: StoreSpec;
  readonly #prefix: number;
  readonly #known = new Set<string>();
  /** Up to here everything is deleted, which the disk has not heard yet. */
  #gone: Buffer | null = null;

  constructor(spec: StoreSpec, prefix: number) {
    this.#spec = spec;
    this.#prefix = layout.indexPrefix(prefix);
  }

  changed(key: Buffer, value: Buffer | null, entries: Entry[]): void {
    const name = key.toString("latin1");
    if (value === null) {
      this.#known.delete(name);
      entries.push([this.#indexKey(key), null]);
      return;
    }
    if (this.#known.has(name)) return;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.add(name);
    entries.push([this.#indexKey(key), NOTHING]);
  }

  /**
   * The same of changes by columns, as entries of the database; what `isIndexed` says of a change is believed
   * instead of remembered.
   */
  columnsOf({ keys, values }: ChangeColumns, isIndexed: (i: number) => boolean): EntryColumns {
    // Another's keys may be deleted here: what is known of them is let go.
    this.#known.clear();
    const { count, bytes, positions } = keys;
    const indexedAt = new Int32Array(count * 2);
    const valueAt = new Int32Array(count * 2);
    const indexed = Buffer.allocUnsafe(bytes.length + count * TIME_BYTES);
    const slices = new Slices();
    let changed = 0;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const isHeld = (values.positions[i * 2 + 1] as number) >= 0;
      if (isHeld && isIndexed(i)) continue;
      const position = positions[i * 2] as number;
      const length = positions[i * 2 + 1] as number;
      const timeMs = readLong(bytes, position + length - suffixBytesOfKind(this.#spec.kind));
      writeLong(indexed, at, Math.max(0, timeMs));
      slices.copy(bytes, position, indexed, at + TIME_BYTES, length);
      indexedAt[changed * 2] = at;
      indexedAt[changed * 2 + 1] = TIME_BYTES + length;
      valueAt[changed * 2 + 1] = isHeld ? 0 : -1;
      changed += 1;
      at += TIME_BYTES + length;
    }
    return {
      count: changed,
      prefix: this.#prefix,
      keys: { bytes: indexed, positions: indexedAt },
      values: { bytes: NOTHING, positions: valueAt },
    };
  }

  /** The time is in the key, and never wrong. */
  mend(): void {}

  wrote(): void {
    this.#gone = null;
  }

  lookAnew(): void {
    this.#gone = null;
  }

  /** The time of the last entry; before all others where there is none. */
  async last(database: Database): Promise<number> {
    const range = layout.storeRange(this.#prefix, { from: null, to: null });
    const one = { entriesMax: 1, bytesMax: PAGE.bytesMax };
    const { entries } = await database.scan({ ...range, reverse: true }, one, () => false);
    const [first] = entries;
    if (first === undefined) return Number.NEGATIVE_INFINITY;
    return readLong(first[0], layout.PREFIX_BYTES);
  }

  /**
   * Up to so many keys of a time up to `timeMs`, the eldest first, but for those that are gone, and those
   * that `hides` holds for.
   */
  async upTo(
    database: Database,
    timeMs: number,
    entriesMax: number,
    isGone: (key: Buffer) => boolean,
    hides: (key: Buffer) => boolean = () => false,
  ): Promise<Buffer[]> {
    if (!(timeMs >= 0)) return [];
    const to = Buffer.alloc(TIME_BYTES);
    writeLong(to, 0, timeMs + 1);
    const range = layout.storeRange(this.#prefix, { from: null, to });
    const after = this.#gone;
    const from = after === null ? range.from : Buffer.concat([after, Buffer.alloc(1)]);
    if (from.compare(range.to) >= 0) return [];
    const limits = { entriesMax, bytesMax: PAGE.bytesMax };
    let isFirst = true;
    const isHidden = (indexed: Buffer): boolean => {
      const key = keyOf(indexed);
      if (isGone(key)) {
        if (isFirst) this.#gone = indexed;
        return true;
      }
      isFirst = false;
      return hides(key);
    };
    const { entries } = await database.scan(
      { from, to: range.to, reverse: false },
      limits,
      isHidden,
    );
    return entries.map(([key]) => keyOf(key));
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

function keyOf(indexed: Buffer): Buffer {
  return indexed.subarray(layout.PREFIX_BYTES + TIME_BYTES);
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
  indexes: readonly (EntryIndex | null)[],
): Promise<void> {
  const done = layout.decodeNumbers(await database.get(layout.INDEXED_KEY));
  let isChanged = false;
  for (const [store, index] of indexes.entries()) {
    const spec = stores[store];
    const name = spec === undefined ? "" : layout.nameOnDisk(spec);
    // Without an index its entries are written past it: should it come back, it is made anew.
    if (index === null) isChanged = done.delete(name) || isChanged;
    if (index === null || done.has(name)) continue;
    const prefix = prefixes[store] ?? 0;
    const { from, to } = layout.storeRange(prefix, { from: null, to: null });
    for (let first = from, more = true; more; ) {
      const page = await database.scan({ from: first, to, reverse: false }, PAGE, () => false);
      const entries: Entry[] = [];
      for (const [key, value] of page.entries) {
        index.changed(key.subarray(layout.PREFIX_BYTES), value, entries);
      }
      await database.write(entries);
      index.wrote();
      const last = page.entries.at(-1)?.[0];
      more = page.more && last !== undefined;
      if (last !== undefined) first = Buffer.concat([last, Buffer.alloc(1)]);
    }
    done.set(name, prefix);
    isChanged = true;
  }
  if (!isChanged) return;
  await database.write([[layout.INDEXED_KEY, layout.encodeNumbers(done)]]);
}
