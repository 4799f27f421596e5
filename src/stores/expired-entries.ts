import { ColumnChanges, type StoreChanges } from "../model/changes.ts";
import { entryTime } from "../model/entry-time.ts";
import type { KeyColumns } from "../model/key-table.ts";
import { ValueColumnsBuilder } from "../model/value-columns.ts";
import type { Database } from "./database.ts";
import { StateTable } from "./state-table.ts";
import type { StoreMemory } from "./store-memory.ts";
import type { TimeIndex } from "./time-index.ts";

/** One store, as a look at what has expired needs it. */
export interface ExpiringStore {
  readonly store: number;
  readonly database: Database;
  readonly index: TimeIndex;
  readonly memory: StoreMemory;
}

/**
 * Deletes of up to so many entries of a time up to `timeMs`, the eldest first. What a state table lists is
 * found there; the disk is looked through for what it does not list, only where there may be any, and while
 * nothing is written: what memory says is gone, the disk may have for as long as it takes.
 */
export async function expiredEntries(
  { store, database, index, memory }: ExpiringStore,
  timeMs: number,
  entriesMax: number,
  whileStill: (look: () => Promise<Buffer[]>) => Promise<Buffer[]>,
): Promise<StoreChanges> {
  const isGone = (key: Buffer): boolean => memory.isDeleted(key);
  if (!(memory instanceof StateTable)) {
    const look = () => index.upTo(database, timeMs, entriesMax, isGone);
    return deletesOf(store, await whileStill(look));
  }
  const { times } = memory;
  if (times?.mayHaveUpTo(timeMs) === true) {
    const { changes } = times;
    const isListed = (key: Buffer): boolean => memory.isListed(key);
    const look = () => index.upTo(database, timeMs, entriesMax, isGone, isListed);
    const found = await whileStill(look);
    if (found.length > 0) {
      const both = [...found, ...keysOf(memory.expired(timeMs, entriesMax))];
      return deletesOf(store, both.sort(byTime).slice(0, entriesMax));
    }
    times.lookedThrough(timeMs, changes);
  }
  const keys = memory.expired(timeMs, entriesMax);
  return new ColumnChanges(store, keys, new ValueColumnsBuilder(keys.count));
}

function deletesOf(store: number, keys: readonly Buffer[]): StoreChanges {
  return { store, keys, values: keys.map(() => null) };
}

/** Only tables list by time, and those only windows. */
function byTime(left: Buffer, right: Buffer): number {
  return entryTime("window", left) - entryTime("window", right);
}

function keysOf(keys: KeyColumns): readonly Buffer[] {
  return new ColumnChanges(0, keys, new ValueColumnsBuilder(keys.count)).keys;
}
