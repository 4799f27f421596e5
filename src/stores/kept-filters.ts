import type { Database, Entry } from "./database.ts";
import type { KeyFilter } from "./key-filter.ts";
import * as layout from "./layout.ts";

/**
 * Filters that outlive their process: written as a database closes, and used by the next one if nothing was
 * written in between. Whatever is written changes the marks, so a filter stands behind those it was written
 * with. After a crash there is none, and the disk is asked.
 */
export async function loadFilters(
  database: Database,
  prefixes: readonly number[],
  filters: readonly (KeyFilter | null)[],
  marks: Buffer,
): Promise<void> {
  for (const [store, filter] of filters.entries()) {
    const saved = filter && (await database.get(keyOf(prefixes[store] ?? 0)));
    if (!saved || saved.length < marks.length) continue;
    if (saved.subarray(0, marks.length).equals(marks)) filter.load(saved.subarray(marks.length));
  }
}

export async function saveFilters(
  database: Database,
  prefixes: readonly number[],
  filters: readonly (KeyFilter | null)[],
  marks: Buffer,
): Promise<void> {
  const entries: Entry[] = [];
  for (const [store, filter] of filters.entries()) {
    const saved = filter?.save() ?? null;
    if (saved === null) continue;
    entries.push([keyOf(prefixes[store] ?? 0), Buffer.concat([marks, saved])]);
  }
  if (entries.length > 0) await database.write(entries);
}

function keyOf(prefix: number): Buffer {
  return layout.metaKey(`filter.${prefix}`);
}
