import { readLong } from "./key-table.ts";
import type { StoreKind } from "./topology.ts";

/** Behind a key: start and sequence number of a window, end and start of a session. */
const WINDOW_SUFFIX_BYTES = 12;
const SESSION_SUFFIX_BYTES = 16;

/** The time of a windowed store's entry, in ms: the start of its window, the end of its session. */
export function entryTime(kind: StoreKind, key: Buffer): number {
  const suffixBytes = kind === "session" ? SESSION_SUFFIX_BYTES : WINDOW_SUFFIX_BYTES;
  return readLong(key, key.length - suffixBytes);
}
