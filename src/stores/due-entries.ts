import { timeOfValue } from "../model/entry-time.ts";
import type { DueEntries } from "../ports/store.ts";
import type { Database } from "./database.ts";
import * as layout from "./layout.ts";
import type { Overlay } from "./overlay.ts";
import type { Indexed, Look, ValueTimeIndex } from "./value-times.ts";

const PAGE_ENTRIES = 1_000;
/** Index entries that one look reads, beside those that it wants: stale ones are mended by the next write. */
const EXTRA_MAX = 4_000;

interface Found {
  readonly timeMs: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** One store, as a look at what is due needs it. */
export interface DueStore {
  readonly database: Database;
  readonly prefix: number;
  readonly index: ValueTimeIndex;
  readonly overlay: Overlay;
}

/**
 * The entries of the head view whose time has come by `timeMs`, the eldest first, then by key. The index
 * stands for what is committed; what is newer is looked through, and hides it.
 */
export async function dueEntries(
  store: DueStore,
  timeMs: number,
  entriesMax: number,
): Promise<DueEntries> {
  const { overlay, index } = store;
  const found = new Map<string, Found>();
  for (const [name, value] of overlay.all()) {
    // Of several values of a name the newest comes last.
    if (value === null) continue;
    const at = timeOfValue(value);
    if (at > timeMs || overlay.find(name, "head") !== value) continue;
    found.set(name, { timeMs: at, key: Buffer.from(name, "latin1"), value });
  }
  const look = index.look();
  try {
    return await merged(store, { timeMs, entriesMax, look, found });
  } finally {
    index.looked(look);
  }
}

interface Wanted {
  readonly timeMs: number;
  readonly entriesMax: number;
  readonly look: Look;
  readonly found: Map<string, Found>;
}

async function merged(store: DueStore, wanted: Wanted): Promise<DueEntries> {
  const { database, index, overlay } = store;
  const { timeMs, entriesMax, found } = wanted;
  let last: Indexed | null = null;
  let rest = entriesMax + EXTRA_MAX;
  for (;;) {
    const page = await index.page(database, timeMs, last, Math.min(PAGE_ENTRIES, rest));
    await readPage(store, wanted, page.found);
    last = page.found.at(-1) ?? last;
    rest -= page.found.length;
    // Behind what was read there may be earlier ones than among what came up too early.
    const frontier = page.more ? last : null;
    const due = [...found].filter(([name, entry]) => {
      const newer = overlay.find(name, "head");
      return (newer === undefined || newer === entry.value) && isUpTo(entry, frontier);
    });
    if (page.more && due.length < entriesMax && rest > 0) continue;
    const sorted = due.map(([, entry]) => entry).sort(byTimeAndKey);
    const taken = sorted.slice(0, entriesMax);
    return {
      keys: taken.map(({ key }) => key),
      values: taken.map(({ value }) => value),
      more: page.more || taken.length < sorted.length,
    };
  }
}

/** What the entries of a page are now; those that are something else are stale. */
async function readPage(
  { database, prefix, overlay, index }: DueStore,
  { timeMs, look, found }: Wanted,
  page: readonly Indexed[],
): Promise<void> {
  // In one tick: what a commit moves to the disk meanwhile is found there.
  const hidden = page.map(({ key }) => overlay.find(key.toString("latin1"), "head") !== undefined);
  const keys = page.map(({ key }) => layout.storeKey(prefix, key));
  const values = await database.getMany(keys);
  for (const [at, indexed] of page.entries()) {
    const value = values[at] ?? null;
    const actualMs = value === null ? null : timeOfValue(value);
    if (actualMs !== indexed.timeMs) index.foundStale(look, indexed, actualMs);
    if (hidden[at] === true || value === null || actualMs === null || actualMs > timeMs) continue;
    found.set(indexed.key.toString("latin1"), { timeMs: actualMs, key: indexed.key, value });
  }
}

function isUpTo({ timeMs, key }: Found, frontier: Indexed | null): boolean {
  if (frontier === null || timeMs < frontier.timeMs) return true;
  return timeMs === frontier.timeMs && key.compare(frontier.key) <= 0;
}

function byTimeAndKey(left: Found, right: Found): number {
  return left.timeMs - right.timeMs || left.key.compare(right.key);
}
