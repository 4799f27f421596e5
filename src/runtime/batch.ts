import type { OutputColumns, RowRange, SlotState } from "../model/rows.ts";
import type { KeySet, StoreChanges } from "../ports/store.ts";
import type { BatchTrace } from "../ports/telemetry.ts";
import type { DeadLetter } from "./dead-letters.ts";
import type { Taken } from "./input-queue.ts";

/**
 * Consecutive records of one task on their way through its nodes: planned once, dispatched until
 * answered, staged whole, cut in order.
 */
export interface Batch {
  readonly taken: Taken;
  /** What user code or the direct sinks get: the input rows, or what built-in nodes derived. */
  readonly rows: readonly RowRange[];
  readonly rowCount: number;
  /** State for the stage, by the stage's store index. */
  readonly states: readonly SlotState[];
  /** The keys of each state's slots. */
  readonly keys: readonly KeySet[];
  /** What built-in nodes changed, as of the last row; final when the batch is. */
  readonly upstream: readonly StoreChanges[];
  /** Stream time after the last row. */
  readonly streamTimeMs: number;
  /** Rows dropped by built-in nodes: late, or without a key. */
  readonly dropped: number;
  /** What became of a row that was given up: then the batch is that row alone. */
  readonly givenUp: GivenUp | null;
  /** Set when final. */
  outcome: Outcome | null;
  /** Whether the outcome's changes were given to the state. */
  staged: boolean;
  /** Its spans; null while tracing is off. */
  trace: BatchTrace | null;
}

/** A record without effects of its own: skipped, or with a dead letter to tell of it. */
export interface GivenUp {
  readonly letter: DeadLetter | null;
}

/** What a final batch leaves behind. */
export interface Outcome {
  /** null: the rows themselves go to the direct sinks. */
  readonly outputs: OutputColumns | null;
  readonly changes: readonly StoreChanges[];
  readonly bytes: number;
}

export function countRows(rows: readonly RowRange[]): number {
  let count = 0;
  for (const range of rows) count += range.to - range.from;
  return count;
}

/** A row that was given up, on its way through ledger and cut like any other batch. */
export function givenUpBatch(taken: Taken, letter: DeadLetter | null, streamTimeMs: number): Batch {
  return {
    taken,
    rows: [],
    rowCount: 0,
    states: [],
    keys: [],
    upstream: [],
    // Nothing of the record counts, its time neither: what cannot be read is often garbage there too.
    streamTimeMs,
    dropped: 0,
    givenUp: { letter },
    outcome: null,
    staged: false,
    trace: null,
  };
}
