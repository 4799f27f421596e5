import { SESSION_SUFFIX_BYTES, suffixBytesOfKind } from "../model/entry-time.ts";
import { readLong, writeLong } from "../model/key-table.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { KeyEntries, PageLimits } from "../ports/store.ts";
import type { Database } from "./database.ts";
import * as layout from "./layout.ts";
import type { Value } from "./store-memory.ts";

/** Bytes of a time behind a key. */
const TIME_BYTES = 8;
const PAGE: PageLimits = { entriesMax: 1_000, bytesMax: 1_048_576 };

/** Bytes behind the key of an entry that is looked for by key and time; 0 where none is. */
export function suffixBytesOf({ kind, isRanged }: Pick<StoreSpec, "kind" | "isRanged">): number {
  if (isRanged !== true) return 0;
  return suffixBytesOfKind(kind);
}

/** What is looked for: the entries of `key` whose time is within `[from, to]`. */
export interface KeyTime {
  readonly key: Buffer;
  readonly from: number;
  readonly to: number;
  readonly suffixBytes: number;
}

/** The store's keys to scan, `[from, to)`. Times before 1970 sort behind all others: then all are. */
function boundsOf({ key, from, to }: KeyTime): { readonly from: Buffer; readonly to: Buffer } {
  const isOpen = from < 0 || !Number.isSafeInteger(to + 1);
  const first = Buffer.alloc(key.length + TIME_BYTES);
  key.copy(first);
  if (from > 0) writeLong(first, key.length, from);
  const last = Buffer.alloc(key.length + (isOpen ? SESSION_SUFFIX_BYTES + 1 : TIME_BYTES), 0xff);
  key.copy(last);
  if (!isOpen) writeLong(last, key.length, to + 1);
  return { from: first, to: last };
}

/**
 * The entries of one key on disk and in `newer`, which hides what is on disk of the same name. Keys that only
 * begin as it does have another length.
 */
export async function entriesOfKey(
  database: Database,
  prefix: number,
  wanted: KeyTime,
  newer: ReadonlyMap<string, Value>,
): Promise<KeyEntries> {
  const found: [key: Buffer, value: Buffer][] = [];
  for (const [name, value] of newer) {
    const key = Buffer.from(name, "latin1");
    if (value !== null && isWanted(key, 0, wanted)) found.push([key, value]);
  }
  const { from, to } = layout.storeRange(prefix, boundsOf(wanted));
  const hides = (key: Buffer): boolean =>
    !isWanted(key, layout.PREFIX_BYTES, wanted) ||
    newer.has(key.toString("latin1", layout.PREFIX_BYTES));
  for (let first = from, more = true; more; ) {
    const page = await database.scan({ from: first, to, reverse: false }, PAGE, hides);
    for (const [key, value] of page.entries) {
      found.push([key.subarray(layout.PREFIX_BYTES), value]);
    }
    const last = page.entries.at(-1)?.[0];
    more = page.more && last !== undefined;
    if (last !== undefined) first = Buffer.concat([last, Buffer.alloc(1)]);
  }
  if (newer.size > 0) found.sort(([left], [right]) => left.compare(right));
  return { keys: found.map(([key]) => key), values: found.map(([, value]) => value) };
}

/** Whether the entry, which begins at `position`, is of the key and its times. */
function isWanted(
  entry: Buffer,
  position: number,
  { key, from, to, suffixBytes }: KeyTime,
): boolean {
  if (entry.length !== position + key.length + suffixBytes) return false;
  const time = readLong(entry, position + key.length);
  return time >= from && time <= to;
}
