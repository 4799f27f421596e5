import type { RecordColumns } from "./columns.ts";
import type { ValueColumns } from "./value-columns.ts";

/**
 * Consecutive rows of one source partition, `[from, to)` of `columns`. What a batch is made of: the
 * rows of a fetch as they came, or the rows that built-in nodes derived from them (then `columns`
 * holds derived keys and values, with the offsets of the input records that caused them).
 */
export interface RowRange {
  /** Index into the program's source topics. */
  readonly source: number;
  readonly partition: number;
  readonly columns: RecordColumns;
  readonly from: number;
  readonly to: number;
}

/**
 * The state that the rows of a batch need from one store: each value once, by slot. Mirrors
 * `StateColumns` of the protocol.
 */
export interface SlotState {
  /** Index into the stage's stores. */
  readonly store: number;
  /** The value of each slot, where the store has one. */
  readonly values: ValueColumns;
  /** The slots of the rows, in row order. */
  readonly slots: Int32Array;
  /** How many slots each row has (0 for a late row); null when each has exactly one. */
  readonly slotCounts: Int32Array | null;
  /** Start of each slot's window in ms; null for a key-value store. */
  readonly windowStarts: Float64Array | null;
  /** The unit that all window starts are a multiple of, in ms; 0 for a key-value store. */
  readonly windowUnitMs: number;
  /** Of a session store: how long each slot's session is, in ms. Its start is the window's. */
  readonly sessionLengths?: Float64Array;
}

/** Ints per output in `OutputColumns.positions`: key position, key length, value position, value length. */
export const OUTPUT_STRIDE = 4;

/**
 * What a batch sends to its sinks, as positions in the answer's frame. Ordered by input row. Mirrors
 * `Outputs` of the protocol.
 */
export interface OutputColumns {
  readonly count: number;
  readonly bytes: Buffer;
  /** For each output the row of the batch that caused it, ascending. */
  readonly inputs: Int32Array;
  /** For each output an index into the stage's sinks; null when all are 0. */
  readonly sinks: Int32Array | null;
  /** `OUTPUT_STRIDE` ints each; a length of -1 is null. */
  readonly positions: Int32Array;
  /** Timestamps in ms; null when every output takes its input's. */
  readonly timestamps: Float64Array | null;
  /** Outputs with headers of their own: output index to headers in Kafka's record format. */
  readonly headers: ReadonlyMap<number, Buffer> | null;
}

/** What a batch changes in one store: each key at most once, as of the last row that is done. */
export interface MutationColumns {
  /** Index into the stage's stores. */
  readonly store: number;
  readonly bytes: Buffer;
  /** Slots of the batch's `SlotState`; they come first. */
  readonly slots: Int32Array;
  /** Position and length of the keys without a slot, two ints each; they follow the slots. */
  readonly keys: Int32Array;
  /** Position and length of the new values, two ints each: those of slots, then of keys; -1 deletes. */
  readonly values: Int32Array;
}

/** What a batch changes in the timers of one node, each at most once. Mirrors `Timers` of the protocol. */
export interface TimerColumns {
  readonly node: string;
  readonly bytes: Buffer;
  /** Position and length of each key, two ints each. */
  readonly keys: Int32Array;
  /** Position and length of each name. */
  readonly names: Int32Array;
  /** Numbers of clocks; null when all are stream time. */
  readonly clocks: Int32Array | null;
  /** In ms since the epoch; -1 cancels. */
  readonly times: Float64Array;
}
