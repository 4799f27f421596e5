import type { StoreChanges } from "../model/changes.ts";
import type { ValueColumnsBuilder } from "../model/value-columns.ts";
import type { KeySet } from "../ports/store.ts";

/** A value, or null for a delete. */
export type Value = Buffer | null;

/**
 * What memory knows of one store and the disk does not, newest first: head (ahead of a hop), staged, the cut
 * in flight, and what has committed but is not written. See the store port for what each layer means.
 */
export interface StoreMemory {
  /** Bytes of keys and values that the next cut takes. */
  readonly stagedBytes: number;
  /** How many keys have committed and are not on the disk, and the bytes that came to them. */
  readonly unwrittenCount: number;
  readonly unwrittenBytes: number;
  /** How many changes they stand for: more than one each where keys change again and again. */
  readonly unwrittenChanges: number;
  /** Names the state of the disk, for `remember`. */
  readonly writes: number;
  /** Sets what is known of the keys; answers the slots of the others, which the disk is to be asked for. */
  read(keys: KeySet, view: "staged" | "head", into: ValueColumnsBuilder): number[];
  /** The disk's answer for these slots, asked for at `writes`: it may be kept. */
  remember(keys: KeySet, slots: readonly number[], values: readonly Value[], writes: number): void;
  advance(changes: StoreChanges): void;
  stage(changes: StoreChanges): void;
  /** Forgets what ran ahead. */
  resetHead(): void;
  /** The staged values become the cut in flight; null where nothing is staged. */
  cut(): StoreChanges | null;
  /** The cut has committed; the disk does not have it yet. */
  committed(): void;
  /** The cut goes back under what was staged since. */
  restage(): void;
  /** Only what is committed remains. */
  drop(): void;
  /** What has committed and is not on the disk; nothing is added before `written`. */
  unwritten(): StoreChanges;
  /** The disk has all that is committed; where it could not be written, it is to be asked for it. */
  written(isOnDisk: boolean): void;
  /** The disk was given these, which nothing here knows of. */
  restored(changes: StoreChanges): void;
  /** The disk was emptied. */
  emptied(): void;
  /** Whether the newest value that no hop is ahead of is known to be a delete. */
  isDeleted(key: Buffer): boolean;
  /** Everything that is not on disk, oldest first, keys as latin1: the last value of a key is its newest. */
  all(): Iterable<readonly [key: string, value: Value]>;
}
