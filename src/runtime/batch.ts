import { PLACE_BYTES } from "../model/columns.ts";
import type { OutputColumns, RowRange, SlotState } from "../model/rows.ts";
import type { TimerNode } from "../model/timers.ts";
import type { Stage, TopicExit } from "../model/topology.ts";
import type { KeySet, StoreChanges } from "../ports/store.ts";
import type { BatchTrace } from "../ports/telemetry.ts";
import type { Closed } from "./close-windows.ts";
import type { DeadLetter } from "./dead-letters.ts";
import type { FoldHop } from "./fold-hops.ts";
import { inputBytes, NOTHING_TAKEN, nothingTaken, type Taken } from "./input-queue.ts";
import type { LateRows } from "./late-rows.ts";
import type { OwnTimes } from "./own-times.ts";
import type { ParkedRows } from "./parking.ts";

/**
 * Consecutive records of one task on their way through the steps of its program: planned as far as built-in
 * nodes go, dispatched at each stage that has rows, staged whole, cut in order.
 */
export interface Batch {
  taken: Taken;
  /** Of its first input record; null where it has none. */
  readonly firstTimestampMs: number | null;
  /** The input rows that are processed: all but those that are parked, and timers that do not stand. */
  rows: readonly RowRange[];
  /** The node whose timers the rows are, until they are looked at. */
  fired: TimerNode | null;
  /** Its rows are timers: they move no stream time, whatever they carry. */
  readonly isOfTimers: boolean;
  /** The source node that they come from. */
  readonly sourceNode: number;
  /** Stream time before the first row, and after the last. */
  readonly streamTimeBeforeMs: number;
  readonly streamTimeMs: number;
  /** What became of a row that was given up: then the batch is that row alone. */
  readonly givenUp: GivenUp | null;
  /** Its rows that are parked and not among `rows`. */
  readonly parked: ParkedRows | null;
  /** What else it writes to the store of parked records. */
  readonly settles: StoreChanges | null;
  /** How far it is: every step before this one is done. */
  nextStep: number;
  /** The stage that it waits for: `nextStep`. */
  hop: Hop | null;
  /** By step and exit: rows that later steps take. */
  forwarded: (readonly (readonly RowRange[])[] | undefined)[];
  /** Rows of the step that it stands at that wait for those before them to be answered. */
  rest: readonly RowRange[] | null;
  /** Of the step that it stands at: its rows, and what closes when they are folded; null where none does. */
  closing: { readonly rows: readonly RowRange[]; readonly closed: Closed } | null;
  /** What goes to topics, in the order of the steps. */
  emissions: Emission[];
  /** What its steps have changed so far, in their order; final when the batch is. */
  changes: StoreChanges[];
  /** Rows dropped by its steps: late, or without a key. */
  dropped: number;
  /** Those that were late, and are to be dead-lettered; null where none is. */
  late: LateRows | null;
  /** Of late records. */
  letters: DeadLetter[];
  /** Stream time of the stores that have their own; null where none has. */
  ownTimes: OwnTimes | null;
  /** Bytes that its answers keep alive. */
  answerBytes: number;
  /** Set when final. */
  outcome: Outcome | null;
  /** Whether the outcome's changes were given to the state. */
  staged: boolean;
  /** Its spans; null while tracing is off. */
  trace: BatchTrace | null;
}

/** A batch at a stage. */
export interface Hop {
  readonly stage: Stage;
  readonly rows: readonly RowRange[];
  readonly rowCount: number;
  /** State for the stage, by the stage's store index. */
  readonly states: readonly SlotState[];
  /** The keys of each state's slots. */
  readonly keys: readonly KeySet[];
  /** Rows that go to the stage when these have been answered, because they need what those leave. */
  readonly rest?: readonly RowRange[];
  /** Of an aggregation in sliding windows. */
  readonly fold?: FoldHop;
  /** Where the windows of its store carry times: that of each slot, NaN where it has none. */
  readonly times?: Float64Array;
}

/** What one step sends to topics: what a stage answered, or rows as they are. */
export type Emission =
  | {
      readonly kind: "answer";
      readonly stage: Stage;
      /** The stage's rows, which its outputs name: without keys and values. */
      readonly rows: readonly RowRange[];
      readonly outputs: OutputColumns;
    }
  | { readonly kind: "rows"; readonly exit: TopicExit; readonly rows: readonly RowRange[] }
  /** Of these, and those of the other batches of a cut, the last of each key: see once-per-commit. */
  | {
      readonly kind: "latest";
      readonly step: number;
      readonly exit: TopicExit;
      readonly rows: readonly RowRange[];
    };

/** Records without effects of their own: skipped, parked, or with dead letters to tell of them. */
export interface GivenUp {
  readonly action: "skip" | "dlq" | "park";
  readonly letters: readonly DeadLetter[];
}

/** What a final batch leaves behind. */
export interface Outcome {
  readonly emissions: readonly Emission[];
  changes: readonly StoreChanges[];
  readonly bytes: number;
}

/** What a batch sends stands in memory where it came, and in the transaction's batches. */
const COPIES = 2;

/** What a batch read is not needed any more: it is final, as all before it, and never planned again. */
export function forgetInput(batch: Batch): void {
  const { taken } = batch;
  batch.taken = { ...taken, input: { ...taken.input, columns: NOTHING_TAKEN.input.columns } };
  batch.rows = [];
}

export function countRows(rows: readonly RowRange[]): number {
  let count = 0;
  for (const range of rows) count += range.to - range.from;
  return count;
}

/** Shared by the batches that have none. */
const NO_LETTERS: DeadLetter[] = [];

/** A batch before its first step. */
export function newBatch(
  taken: Taken,
  sourceNode: number,
  streamTimeBeforeMs: number,
  streamTimeMs: number,
  what: Partial<Pick<Batch, "rows" | "fired" | "givenUp" | "parked" | "settles">>,
): Batch {
  const { columns, from, to } = taken.input;
  // Property by property: spread together, it would cost as much as a hundred records.
  return {
    taken,
    firstTimestampMs: from === to ? null : (columns.timestamps[from] ?? null),
    rows: what.rows ?? [],
    fired: what.fired ?? null,
    isOfTimers: what.fired !== undefined && what.fired !== null,
    sourceNode,
    streamTimeBeforeMs,
    streamTimeMs,
    givenUp: what.givenUp ?? null,
    parked: what.parked ?? null,
    settles: what.settles ?? null,
    nextStep: 0,
    hop: null,
    rest: null,
    closing: null,
    forwarded: [],
    emissions: [],
    changes: [],
    dropped: 0,
    late: null,
    letters: NO_LETTERS,
    ownTimes: null,
    answerBytes: 0,
    outcome: null,
    staged: false,
    trace: null,
  };
}

/** Rows that nobody processes, on their way through ledger and cut like any other batch. */
export function idleBatch(
  taken: Taken,
  streamTimeMs: number,
  what: Partial<Pick<Batch, "givenUp" | "parked" | "settles">>,
): Batch {
  // Nothing of the record counts, its time neither: what cannot be read is often garbage there too.
  return newBatch(taken, -1, streamTimeMs, streamTimeMs, what);
}

/** Stream time moves without a record, from one time to another. */
export function movingBatch(partition: number, fromMs: number, toMs: number): Batch {
  return newBatch(nothingTaken(partition), -1, fromMs, toMs, {});
}

/** The last step is done: what the batch sends and changes stays until it is cut, its rows are done with. */
export function conclude(batch: Batch, settled: readonly StoreChanges[]): Outcome {
  const { emissions, changes, taken, answerBytes } = batch;
  const bytes = (keptBytes(taken, emissions) + answerBytes) * COPIES;
  const outcome = { emissions, changes: [...changes, ...settled], bytes };
  batch.outcome = outcome;
  batch.forwarded = [];
  batch.trace?.done();
  return outcome;
}

/** Of the input: all of it, where it is sent as it came, or where its headers are. */
function keptBytes(taken: Taken, emissions: readonly Emission[]): number {
  const { columns, from, to } = taken.input;
  const isKept = emissions.some(({ rows }) => {
    return rows.some((range) => range.columns.bytes === columns.bytes);
  });
  return isKept ? inputBytes(taken) : (to - from) * PLACE_BYTES;
}
