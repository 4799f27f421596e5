import { mergeRows } from "../model/merge-rows.ts";
import { onwardRows } from "../model/onward-rows.ts";
import { placesOf } from "../model/places.ts";
import type { RowRange } from "../model/rows.ts";
import type { Feed, Program, SinkStep, Step } from "../model/topology.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";
import { changesOf } from "./answers.ts";
import type { Batch, Emission, Hop } from "./batch.ts";
import { foldedBy } from "./fold-hops.ts";
import { stampedChangesOf } from "./kept-folds.ts";
import { beginClosing, planHop, runStep, runSuppressStep } from "./planner.ts";
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
  | MalformedRow
  /** Timers that have fired are of one key: fewer rows are to be taken. */
  | { readonly rowsMax: number };

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
    const rows = batch.rest ?? rowsFor(step, batch);
    if (rows.length > 0 || isWoken(step, batch)) {
      if (step.kind === "stage") {
        if (!(await beginClosing(step.stage, state, batch, rows))) return "tooLarge";
        if (rows.length === 0) {
          endClosing(batch);
          batch.nextStep = index + 1;
          continue;
        }
        const hop = await planHop(step, state, batch, rows, stateBytesMax);
        if (hop === null) return "tooLarge";
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

/**
 * What a stage answered takes its place; the batch stands behind it, or before it with the rest of its
 * rows.
 */
export function pass(batch: Batch, hop: Hop, answer: BatchAnswer): readonly StoreChanges[] {
  const { stage, rows, fold, rest = NONE } = hop;
  const { outputs } = answer;
  let changes: readonly StoreChanges[];
  if (fold !== undefined) {
    const folded = foldedBy(hop, fold, answer);
    changes = [folded.changes];
    forward(batch, [folded.rows]);
  } else if (stage.closes !== undefined) {
    changes = stampedChangesOf(hop, answer);
    forward(batch, onwardRows(outputs, rows, [true]));
  } else if (stage.isOncePerCommit === true) {
    changes = changesOf(hop, answer);
    forward(batch, onwardRows(outputs, rows, Array<boolean>(stage.exits.length).fill(true)));
  } else {
    changes = changesOf(hop, answer);
    if (stage.exits.some(({ kind }) => kind === "onward")) {
      const isOnward = stage.exits.map(({ kind }) => kind === "onward");
      forward(batch, onwardRows(outputs, rows, isOnward));
    }
    // One without outputs would only keep the rows.
    if (outputs.count > 0) {
      batch.emissions.push({ kind: "answer", stage, rows: placesOf(rows), outputs });
    }
  }
  for (const each of changes) batch.changes.push(each);
  batch.answerBytes += outputs.bytes.length;
  batch.hop = null;
  batch.rest = rest.length > 0 ? rest : null;
  if (batch.rest !== null) return changes;
  endClosing(batch);
  batch.nextStep += 1;
  return changes;
}

/** All of the step's rows are folded: what closes is forwarded in place of the updates. */
function endClosing(batch: Batch): void {
  const { closing, nextStep } = batch;
  if (closing === null) return;
  const updates = batch.forwarded[nextStep]?.[0] ?? NONE;
  batch.forwarded[nextStep] = [closing.closed(updates, closing.rows)];
  batch.closing = null;
}

/** Behind what the rows before these have been forwarded as. */
function forward(batch: Batch, exits: readonly (readonly RowRange[])[]): void {
  const before = batch.forwarded[batch.nextStep];
  batch.forwarded[batch.nextStep] =
    before === undefined ? exits : exits.map((rows, exit) => [...(before[exit] ?? []), ...rows]);
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
  if (step.kind === "stage") return step.stage.closes !== undefined;
  return step.kind === "suppress";
}

/** Whether rows, or stream time, are on their way to a step that is still to come. */
export function hasRows(batch: Batch, steps: readonly Step[]): boolean {
  if (batch.rest !== null) return true;
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

/** Input records ahead of the one of row `row`, which cannot be read: the policy hears of it alone. */
export function rowsBefore(taken: Batch["taken"], rows: readonly RowRange[], row: number): number {
  const before = inputIndexOf(taken, rows, row);
  return before > 0 || taken.input.to - taken.input.from <= 1 ? before : 1;
}
