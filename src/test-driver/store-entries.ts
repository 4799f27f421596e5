import type { DriverEntry, WantedEntries } from "../ports/test-driver.ts";

/** As Kafka Streams lays out the key of a window: key, start in ms (8 bytes), sequence number (4 bytes). */
const START_BYTES = 8;
const SUFFIX_BYTES = START_BYTES + 4;

export interface StoredEntry {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What of the store's bytes to read for what was asked. */
export function rangeOf(
  { key, windowStart, from, to }: WantedEntries,
  isWindowed: boolean,
): { readonly from: Buffer | null; readonly to: Buffer | null; readonly reverse: false } {
  if (key === null) return { from, to, reverse: false };
  if (!isWindowed) return { from: key, to: Buffer.concat([key, Buffer.from([0])]), reverse: false };
  if (windowStart === null) {
    const last = Buffer.concat([key, Buffer.alloc(SUFFIX_BYTES + 1, 0xff)]);
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
  key: Buffer | null,
  isWindowed: boolean,
): DriverEntry[] {
  const entries = stored.map(({ partition, key: whole, value }): DriverEntry => {
    if (!isWindowed) return { partition, key: whole, value, windowStart: null };
    const at = whole.length - SUFFIX_BYTES;
    const windowStart = Number(whole.readBigInt64BE(at));
    return { partition, key: whole.subarray(0, at), value, windowStart };
  });
  return key === null ? entries : entries.filter((entry) => entry.key.equals(key));
}
