import type { KeyRange, PageLimits, RangePage } from "../ports/store.ts";
import type { Scanned } from "./database.ts";
import type { Value } from "./store-memory.ts";

/** The changes of a range that are not on disk, in the order asked for; keys as latin1 strings. */
export function changesWithin(
  changes: ReadonlyMap<string, Value>,
  { from, to, reverse }: KeyRange,
): (readonly [key: string, value: Value])[] {
  const first = from?.toString("latin1") ?? "";
  const end = to?.toString("latin1") ?? null;
  const within: (readonly [string, Value])[] = [];
  for (const [key, value] of changes) {
    if (key >= first && (end === null || key < end)) within.push([key, value]);
  }
  const sign = reverse ? -1 : 1;
  // Latin1 strings compare as their bytes do.
  return within.sort(([left], [right]) => (left < right ? -sign : sign));
}

/**
 * Merges what is on disk with what is newer. The two have no key in common; a null shows no entry.
 * What lies behind the last entry of a scan that was cut short is left to the next page.
 */
export function mergePage(
  { entries, more }: Scanned,
  changes: readonly (readonly [key: string, value: Value])[],
  reverse: boolean,
  { entriesMax, bytesMax }: PageLimits,
): RangePage {
  const keys: Buffer[] = [];
  const values: Buffer[] = [];
  let bytes = 0;
  let at = 0;
  let changed = 0;
  for (;;) {
    const [diskKey, diskValue] = entries[at] ?? [];
    const [newKey, newValue] = changes[changed] ?? [];
    if (diskKey === undefined && (more || newKey === undefined)) return { keys, values, more };
    const disk = diskKey?.toString("latin1");
    const isNew =
      newKey !== undefined && (disk === undefined || (reverse ? newKey > disk : newKey < disk));
    if (isNew) changed += 1;
    else at += 1;
    const value = isNew ? newValue : diskValue;
    if (value === undefined || value === null) continue;
    if (keys.length >= entriesMax || (bytes >= bytesMax && keys.length > 0)) {
      return { keys, values, more: true };
    }
    const key = isNew ? Buffer.from(newKey, "latin1") : (diskKey ?? Buffer.alloc(0));
    keys.push(key);
    values.push(value);
    bytes += key.length + value.length;
  }
}
