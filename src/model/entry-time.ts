import { readLong } from "./key-table.ts";
import type { StoreKind } from "./topology.ts";

/** Behind a key: start and sequence number of a window, end and start of a session. */
export const WINDOW_SUFFIX_BYTES = 12;
export const SESSION_SUFFIX_BYTES = 16;

/** Behind a key of a buffer: the time that it is in for. */
export const BUFFER_SUFFIX_BYTES = 8;

const SUFFIX_BYTES = {
  keyValue: WINDOW_SUFFIX_BYTES,
  window: WINDOW_SUFFIX_BYTES,
  session: SESSION_SUFFIX_BYTES,
  buffer: BUFFER_SUFFIX_BYTES,
} as const;

/** Where a store's values carry their time, it stands before them: an int64, as Kafka Streams has it. */
export const STAMP_BYTES = 8;

/** The bytes of an entry's key behind the record's, in a store of times. */
export function suffixBytesOfKind(kind: StoreKind): number {
  return SUFFIX_BYTES[kind];
}

/** The time of an entry, in ms: the start of its window, the end of its session; of a buffer, as put. */
export function entryTime(kind: StoreKind, key: Buffer): number {
  return readLong(key, key.length - SUFFIX_BYTES[kind]);
}

/**
 * The time that a value begins with, in ms. Times before 1970, which would sort behind all others, are as 0;
 * what is too short to have one is, too.
 */
export function timeOfValue(value: Buffer): number {
  return value.length < STAMP_BYTES ? 0 : Math.max(0, readLong(value, 0));
}
