import type { StoreKind } from "../model/topology.ts";
import type { DriverEntry, WantedEntries } from "../ports/test-driver.ts";

/** As Kafka Streams lays out the key of a window: key, start in ms (8 bytes), sequence number (4 bytes). */
const START_BYTES = 8;
const SUFFIX_BYTES = START_BYTES + 4;
/** And that of a session: key, end, start. */
const SESSION_SUFFIX_BYTES = 2 * START_BYTES;

export interface StoredEntry {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly timestamp?: number;
}

/** What of the store's bytes to read for what was asked. */
export function rangeOf(
  { key, windowStart, from, to }: WantedEntries,
  kind: StoreKind,
): { readonly from: Buffer | null; readonly to: Buffer | null; readonly reverse: false } {
  if (key === null) return { from, to, reverse: false };
  if (kind === "keyValue")
    return { from: key, to: Buffer.concat([key, Buffer.from([0])]), reverse: false };
  // A session is found by its end first.
  if (windowStart === null || kind === "session") {
    const last = Buffer.concat([key, Buffer.alloc(SESSION_SUFFIX_BYTES + 1, 0xff)]);
    return { from: key, to: last, reverse: false };
  }
  const start = Buffer.alloc(START_BYTES);
  start.writeBigInt64BE(BigInt(windowStart));
  const end = Buffer.alloc(SUFFIX_BYTES - START_BYTES + 1, 0xff);
  return {
    from: Buffer.concat([key, start]),
    to: Buffer.concat([key, start, end]),
    reverse: false,
  };
}

/** The entries, with their windows; keys that only begin like `key` are left out. */
export function entriesOf(
  stored: readonly StoredEntry[],
  { key, windowStart: wanted }: Pick<WantedEntries, "key" | "windowStart">,
  kind: StoreKind,
): DriverEntry[] {
  const entries = stored.map(({ partition, key: whole, value, timestamp }): DriverEntry => {
    if (kind === "keyValue") {
      const stamp = timestamp === undefined ? {} : { timestamp };
      return { partition, key: whole, value, windowStart: null, ...stamp };
    }
    const suffixBytes = kind === "session" ? SESSION_SUFFIX_BYTES : SUFFIX_BYTES;
    const at = whole.length - suffixBytes;
    const start = kind === "session" ? at + START_BYTES : at;
    const windowStart = Number(whole.readBigInt64BE(start));
    return { partition, key: whole.subarray(0, at), value, windowStart };
  });
  if (key === null) return entries;
  const isWanted = (start: number | null): boolean => wanted === null || start === wanted;
  return entries.filter((entry) => entry.key.equals(key) && isWanted(entry.windowStart));
}
