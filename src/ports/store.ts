import type { StoreChanges } from "../model/changes.ts";
import type { FoundKeys } from "../model/key-table.ts";
import type { StoreSpec } from "../model/topology.ts";
import type { ValueColumns } from "../model/value-columns.ts";

export type { StoreChanges };

/**
 * Keys of one store, each once, made from the rows of a batch. A key's index is its slot.
 */
export interface KeySet {
  readonly count: number;
  /** Position and length of each key in `bytes`, two ints each. */
  readonly positions: Int32Array;
  readonly bytes: Buffer;
  /** `hashOf` each key, where it is known. */
  readonly hashes?: Int32Array;
  /** Where a state found them, once it has read them. */
  found?: FoundKeys;
}

/** Consecutive keys in the order of their bytes, `[from, to)`; null is an open end. */
export interface KeyRange {
  readonly from: Buffer | null;
  readonly to: Buffer | null;
  readonly reverse: boolean;
}

/** How much one page of a range may hold; one entry is always returned. */
export interface PageLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** Entries in the order asked for. */
export interface RangePage {
  readonly keys: readonly Buffer[];
  readonly values: readonly Buffer[];
  /** Whether the range goes on behind the last entry. */
  readonly more: boolean;
}

/**
 * Of each key of a windowed store, the entries whose time is within `[from, to]`, in ms; an infinite end is
 * open. The time is the start of a window, the end of a session: the eight bytes behind the key.
 */
export interface KeyTimes {
  readonly keys: KeySet;
  readonly from: Float64Array;
  readonly to: Float64Array;
}

/** The entries of one key, by time; keys as the store has them. */
export interface KeyEntries {
  readonly keys: readonly Buffer[];
  readonly values: readonly Buffer[];
}

/** What is due, the eldest first, then by key. */
export interface DueEntries extends KeyEntries {
  /** Whether there may be more than were asked for. */
  readonly more: boolean;
}

/** Timers that are due, the eldest first. */
export interface WaitingTimers {
  readonly keys: readonly Buffer[];
  readonly times: readonly number[];
  /** When the next one behind them is due, at the earliest; infinite where none waits. */
  readonly nextMs: number;
}

/** What a store knows of its changelog. */
export interface StorePosition {
  /** Topic id of the changelog that the store was built from, 32 hex digits. */
  readonly topicId: string;
  /** The next changelog offset to apply. */
  readonly position: number;
}

/** What a cut takes from the overlay: for each store the last value of every key it changed. */
export interface StateCut {
  readonly changes: readonly StoreChanges[];
  readonly bytes: number;
}

/** Written in the same RocksDB batch as the data. */
export interface StoreMarks {
  /** By store index; a store left out keeps its position. */
  readonly positions: ReadonlyMap<number, StorePosition>;
  /** Committed input offsets, by `topicPartitionName`. */
  readonly inputOffsets: ReadonlyMap<string, number>;
  readonly streamTimeMs: number;
  readonly commitSequence: number;
  /** Wall clock, for R-10: when the store was last known to be caught up. */
  readonly caughtUpAtMs: number;
}

/**
 * The state of one task: RocksDB holds committed data only, and may be a second behind; memory holds
 * what it does not, and values that were used of late. Reads see, newest first: head (ahead of a hop),
 * staged, the cut in flight, committed.
 */
export interface TaskState {
  readonly stores: readonly StoreSpec[];
  /** Marks as of the last commit; null for a new store. */
  marks(): StoreMarks | null;
  /** Memory and disk merged; at most one multi-get. `view` "head" sees what runs ahead of a hop. */
  read(store: number, keys: KeySet, view: "staged" | "head"): Promise<ValueColumns>;
  /**
   * One page of a range of the "head" view, with `written` on top of it: what a batch under way has
   * changed so far at its stage.
   */
  range(
    store: number,
    range: KeyRange,
    written: Pick<StoreChanges, "keys" | "values">,
    limits: PageLimits,
  ): Promise<RangePage>;
  /**
   * What the store has of each key within its times; the entries of a key may be any number. Null
   * where all of them would have more than `bytesMax` bytes and there is more than one key.
   */
  times(
    store: number,
    wanted: KeyTimes,
    view: "staged" | "head",
    bytesMax: number,
  ): Promise<KeyEntries[] | null>;
  /**
   * Deletes of committed entries of a time up to `timeMs`, the eldest first, up to so many; of a windowed
   * store with a retention only.
   */
  expired(store: number, timeMs: number, entriesMax: number): Promise<StoreChanges>;
  /**
   * Of a key-value store with a retention, whose values begin with a time: entries of the "head" view whose
   * time is up to `timeMs`, up to so many, the eldest first. What is to be found no more is deleted.
   * Nothing else may change the store meanwhile.
   */
  due(store: number, timeMs: number, entriesMax: number): Promise<DueEntries>;
  /**
   * Of a store of timers, those of a clock, by its number, that wait for a time up to `timeMs` in the "head"
   * view, up to so many.
   */
  dueTimers(
    store: number,
    clock: number,
    timeMs: number,
    entriesMax: number,
  ): Promise<WaitingTimers>;
  /**
   * Entries of the "head" view whose time is within `(afterMs, upToMs]`, in the order of time, then of keys;
   * of a store that is looked through by time (`isTimed`) only.
   */
  between(store: number, afterMs: number, upToMs: number, limits: PageLimits): Promise<RangePage>;
  /** What a batch that is not final has changed so far: seen by "head" reads, taken by no cut. */
  advance(changes: StoreChanges): void;
  /** Final: the next cut takes it. Replaces the head value of the same key when equal to it. */
  stage(changes: StoreChanges): void;
  /** Forgets what was advanced but not staged: its batches will be planned again. */
  resetHead(): void;
  /** Bytes staged and not yet committed. */
  readonly stagedBytes: number;
  /** Takes everything staged. At most one cut is in flight. */
  cut(): StateCut;
  /**
   * The cut was committed, and is part of what is read. The disk gets its data and the marks in one atomic
   * batch, with it or with a later one, and behind the call (docs/adr/0023): it never has data of another
   * position than it says. Where it cannot be written, the next call that commits or reads rejects.
   */
  commit(marks: StoreMarks): Promise<void>;
  /** The cut was aborted for certain and will be cut again: back to staged, under what was staged since. */
  restage(): void;
  /** Drops the whole overlay: only committed data remains. */
  drop(): void;
  /** Restoring: applies changelog records (null value deletes) and moves the position, atomically. */
  restore(changes: StoreChanges, position: StorePosition): Promise<void>;
  /** Restoring is done: as of `atMs`, wall clock, the stores held all that was committed. */
  caughtUp(atMs: number): Promise<void>;
  /** Deletes everything of the task and opens it empty. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

/** The state directory: `<state.dir>/<application.id>`, locked while open. */
export interface StateDirectory {
  /** Stable over restarts: part of the transactional id. */
  readonly processId: string;
  /** The member id of a predecessor that died without leaving; null when there was none. */
  readonly predecessorMemberId: string | null;
  /** Remembers the own member id, so that a successor can send its leave. */
  rememberMember(memberId: string): Promise<void>;
  /** The member has left: nothing to clean up for a successor. */
  forgetMember(): Promise<void>;
  /** A new process id: another process uses the old one. The stores stay. */
  renewProcessId(): Promise<string>;
  openTask(taskName: string, stores: readonly StoreSpec[]): Promise<TaskState>;
  close(): Promise<void>;
}
