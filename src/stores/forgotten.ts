import type { StoreMarks } from "../ports/store.ts";
import type { Database } from "./database.ts";
import * as layout from "./layout.ts";

const PAGE = { entriesMax: 1_000, bytesMax: 1_048_576 };

/**
 * Deletes what stands under the prefix of a store that has no position: it was left by a topology that had
 * the store, and one that had it not has run since. Its changelog is read from the start, which may not tell
 * any more of keys that were deleted meanwhile.
 */
export async function emptyForgotten(
  database: Database,
  prefixes: readonly number[],
  marks: StoreMarks | null,
): Promise<void> {
  for (const [store, prefix] of prefixes.entries()) {
    if (marks === null || marks.positions.has(store)) continue;
    await emptyPrefix(database, prefix);
    await emptyPrefix(database, layout.indexPrefix(prefix));
  }
}

async function emptyPrefix(database: Database, prefix: number): Promise<void> {
  const range = layout.storeRange(prefix, { from: null, to: null });
  for (let more = true; more; ) {
    const page = await database.scan({ ...range, reverse: false }, PAGE, () => false);
    if (page.entries.length > 0) await database.write(page.entries.map(([key]) => [key, null]));
    more = page.more;
  }
}
