import { mergeRows } from "../model/merge-rows.ts";
import { onwardRows } from "../model/onward-rows.ts";
import type { OutputColumns, RowRange } from "../model/rows.ts";
import type { Feed, Program, SinkStep, Step } from "../model/topology.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";
import type { Batch, Emission, Hop } from "./batch.ts";
import { planHop, runStep, runSuppressStep } from "./planner.ts";
import type { MalformedRow } from "./run-operator.ts";

/** How far a walk came. */
export type Walked =
  /** A stage has rows: the batch is to be dispatched. */
  | "hop"
  /** An older batch has not been through the next step: it goes first. */
  | "waits"
  | "done"
  /** The state that would travel does not fit a frame: fewer rows are to be taken. */
  | "tooLarge"
  /** A built-in node cannot read a row: nothing of the batch counts. */
  | MalformedRow;

export interface WalkLimits {
  readonly stateBytesMax: number;
  /** Stream time at the takeover: what is found then may have been due before. */
  readonly startedAtMs: number;
}

/**
 * Takes a batch through its steps until one of them is user code: for each built-in node one plan over all
 * rows, one multi-get, one apply (design.md §4). `mayTake` says whether the batches before it are as far.
 */
export async function walk(
  { steps }: Program,
  state: TaskState,
  batch: Batch,
  mayTake: (step: number) => boolean,
  { stateBytesMax, startedAtMs }: WalkLimits,
): Promise<Walked> {
  while (hasRows(batch, steps)) {
    const index = batch.nextStep;
    const step = steps[index] as Step;
    if (!mayTake(index)) return "waits";
    const rows = rowsFor(step, batch);
    if (rows.length > 0 || isWoken(step, batch)) {
      if (step.kind === "stage") {
        const hop = await planHop(step, state, batch, rows, stateBytesMax);
        if (hop === null) return "tooLarge";
        if ("message" in hop) return hop;
        batch.hop = hop;
        return "hop";
      }
      if (step.kind === "operator") {
        const failed = await runStep(step, index, state, batch, rows);
        if (failed !== null) return failed;
      } else if (step.kind === "suppress") {
        const mayFindOld = batch.streamTimeBeforeMs <= startedAtMs;
        const failed = await runSuppressStep(step, index, state, batch, rows, mayFindOld);
        if (failed !== null) return failed;
      } else batch.emissions.push(emissionOf(step, index, rows));
    }
    batch.nextStep = index + 1;
  }
  return "done";
}

/** What a stage answered takes its place; the batch stands behind it. */
export function pass(
  batch: Batch,
  { stage, rows }: Hop,
  outputs: OutputColumns,
  changes: readonly StoreChanges[],
): void {
  if (stage.exits.some(({ kind }) => kind === "onward")) {
    const isOnward = stage.exits.map(({ kind }) => kind === "onward");
    batch.forwarded[batch.nextStep] = onwardRows(outputs, rows, isOnward);
  }
  batch.emissions.push({ kind: "answer", stage, rows, outputs });
  for (const each of changes) batch.changes.push(each);
  batch.answerBytes += outputs.bytes.length;
  batch.hop = null;
  batch.nextStep += 1;
}

function emissionOf(
  { exit, isOncePerCommit }: SinkStep,
  step: number,
  rows: readonly RowRange[],
): Emission {
  return isOncePerCommit === true
    ? { kind: "latest", step, exit, rows }
    : { kind: "rows", exit, rows };
}

/** Whether stream time, which the batch moves, may make the step forward what it has held back. */
function isWoken(step: Step, { streamTimeBeforeMs, streamTimeMs, givenUp }: Batch): boolean {
  if (streamTimeMs <= streamTimeBeforeMs || givenUp !== null) return false;
  if (step.kind === "operator") return step.operator.closeDelayMs !== undefined;
  return step.kind === "suppress";
}

/** Whether rows, or stream time, are on their way to a step that is still to come. */
export function hasRows(batch: Batch, steps: readonly Step[]): boolean {
  for (let index = batch.nextStep; index < steps.length; index++) {
    const step = steps[index] as Step;
    if (isWoken(step, batch)) return true;
    for (const feed of step.feeds) if (rowsOf(feed, batch).length > 0) return true;
  }
  return false;
}

function rowsFor({ feeds }: Step, batch: Batch): readonly RowRange[] {
  const [only] = feeds;
  if (feeds.length === 1 && only !== undefined) return rowsOf(only, batch);
  return mergeRows(feeds.map((feed) => rowsOf(feed, batch)));
}

function rowsOf(feed: Feed, { sourceNode, rows, forwarded }: Batch): readonly RowRange[] {
  if (feed.from === "source") return feed.source === sourceNode ? rows : NONE;
  return forwarded[feed.step]?.[feed.exit] ?? NONE;
}

const NONE: readonly RowRange[] = [];

/** The input record, among those taken, that row `row` of these came from. */
export function inputIndexOf(
  { input }: Batch["taken"],
  rows: readonly RowRange[],
  row: number,
): number {
  let rest = row;
  for (const { columns, from, to } of rows) {
    if (rest < to - from) {
      const offset = columns.offsets[from + rest] as number;
      const { offsets } = input.columns;
      for (let index = input.from; index < input.to; index++) {
        if (offsets[index] === offset) return index - input.from;
      }
      return 0;
    }
    rest -= to - from;
  }
  return 0;
}
