import type { OutputColumns, RowRange, SlotState } from "../model/rows.ts";
import type { KeySet, StoreChanges } from "../ports/store.ts";
import type { BatchTrace } from "../ports/telemetry.ts";
import type { DeadLetter } from "./dead-letters.ts";
import type { Taken } from "./input-queue.ts";
import type { ParkedRows } from "./parking.ts";

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
  /** Its rows that are parked and not among `rows`. */
  readonly parked: ParkedRows | null;
  /** What else it writes to the store of parked records. */
  readonly settles: StoreChanges | null;
  /** Set when final. */
  outcome: Outcome | null;
  /** Whether the outcome's changes were given to the state. */
  staged: boolean;
  /** Its spans; null while tracing is off. */
  trace: BatchTrace | null;
}

/** Records without effects of their own: skipped, parked, or with dead letters to tell of them. */
export interface GivenUp {
  readonly action: "skip" | "dlq" | "park";
  readonly letters: readonly DeadLetter[];
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

/** Rows that nobody processes, on their way through ledger and cut like any other batch. */
export function idleBatch(
  taken: Taken,
  streamTimeMs: number,
  what: Partial<Pick<Batch, "givenUp" | "parked" | "settles">>,
): Batch {
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
    givenUp: null,
    parked: null,
    settles: null,
    ...what,
    outcome: null,
    staged: false,
    trace: null,
  };
}
