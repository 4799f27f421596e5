import type { Entry } from "./database.ts";

/** Bytes of a time in the key of an index. */
export const TIME_BYTES = 8;
/** Names that are known to be indexed: what is written again and again is indexed once. */
export const KNOWN_MAX = 65_536;

/** The entries of one store by time, written in one batch with them. */
export interface EntryIndex {
  /** Adds what an entry's change means for the index; a null value deletes. */
  changed(key: Buffer, value: Buffer | null, entries: Entry[]): void;
  /** Adds what mends it, before the changes of a write. */
  mend(entries: Entry[]): void;
  /** The write took effect. */
  wrote(): void;
  /** What was found and is not deleted is to be found again. */
  lookAnew(): void;
}
