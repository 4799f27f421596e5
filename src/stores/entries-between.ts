import { entryTime } from "../model/entry-time.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { PageLimits, RangePage } from "../ports/store.ts";
import type { Database } from "./database.ts";
import * as layout from "./layout.ts";
import type { Value } from "./store-memory.ts";
import type { TimeIndex } from "./time-index.ts";

/** A store on disk, with its index. */
export interface TimedStore {
  readonly database: Database;
  readonly index: TimeIndex;
  readonly prefix: number;
  readonly kind: StoreSpec["kind"];
}

/** What is looked for: entries of a time within `(afterMs, upToMs]`. */
export interface Between {
  readonly afterMs: number;
  readonly upToMs: number;
}

interface Found {
  readonly time: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** By time, then by key, on disk and in `newer`, which hides what is on disk of the same name. */
export async function entriesBetween(
  { database, index, prefix, kind }: TimedStore,
  { afterMs, upToMs }: Between,
  newer: readonly (readonly [name: string, value: Value])[],
  { entriesMax, bytesMax }: PageLimits,
): Promise<RangePage> {
  const names = new Map(newer);
  const found: Found[] = [];
  const add = (key: Buffer, value: Buffer): void => {
    found.push({ time: entryTime(kind, key), key, value });
  };
  for (const [name, value] of newer) if (value !== null) add(Buffer.from(name, "latin1"), value);
  const hides = (key: Buffer): boolean => names.has(key.toString("latin1"));
  const onDisk = await index.between(database, afterMs, upToMs, entriesMax, hides);
  const values = await database.getMany(onDisk.keys.map((key) => layout.storeKey(prefix, key)));
  for (const [at, key] of onDisk.keys.entries()) {
    const value = values[at] ?? null;
    if (value !== null) add(key, value);
  }
  found.sort((left, right) => left.time - right.time || left.key.compare(right.key));
  let bytes = 0;
  const end = found.findIndex(({ key, value }, at) => {
    const isFull = at >= entriesMax || (bytes >= bytesMax && at > 0);
    bytes += key.length + value.length;
    return isFull;
  });
  const page = end < 0 ? found : found.slice(0, end);
  return {
    keys: page.map(({ key }) => key),
    values: page.map(({ value }) => value),
    more: onDisk.more || end >= 0,
  };
}
