import { readLong } from "./key-table.ts";
import type { StoreKind } from "./topology.ts";

/** Behind a key: start and sequence number of a window, end and start of a session. */
export const WINDOW_SUFFIX_BYTES = 12;
export const SESSION_SUFFIX_BYTES = 16;

/** Where a store's values carry their time, it stands before them: an int64, as Kafka Streams has it. */
export const STAMP_BYTES = 8;

/** The time of a windowed store's entry, in ms: the start of its window, the end of its session. */
export function entryTime(kind: StoreKind, key: Buffer): number {
  const suffixBytes = kind === "session" ? SESSION_SUFFIX_BYTES : WINDOW_SUFFIX_BYTES;
  return readLong(key, key.length - suffixBytes);
}

/**
 * The time that a value begins with, in ms. Times before 1970, which would sort behind all others, are as 0;
 * what is too short to have one is, too.
 */
export function timeOfValue(value: Buffer): number {
  return value.length < STAMP_BYTES ? 0 : Math.max(0, readLong(value, 0));
}
