import type { RowRange, SlotState } from "../model/rows.ts";
import type { OperatorStep, Stage, StageStep, SuppressStep, Windows } from "../model/topology.ts";
import { windowUnitOf } from "../operators/windows.ts";
import type { KeySet, TaskState } from "../ports/store.ts";
import { type Batch, countRows, type Hop } from "./batch.ts";
import { readClosing } from "./close-windows.ts";
import { type MalformedRow, type RowClock, readSlots, runOperator } from "./run-operator.ts";
import { type Passing, runSuppress } from "./run-suppress.ts";
import { timesOf } from "./stream-clock.ts";

/**
 * Runs a built-in node over all rows that reached it; what it forwards stands in the batch. "tooLarge" where
 * fewer records are to be taken; what one record alone has become is run in parts.
 */
export async function runStep(
  own: OperatorStep,
  step: number,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
): Promise<MalformedRow | "tooLarge" | null> {
  const { windows, closeDelayMs } = own.operator;
  const isClosing = windows !== null && closeDelayMs !== undefined;
  // As it is before the batch.
  const closing = isClosing
    ? await readClosing(own.operator, windows, state, passingOf(batch, false))
    : null;
  if (isClosing && closing === null) return "tooLarge";
  const failed = rows.length === 0 ? null : await runRows(own, step, state, batch, rows);
  if (failed !== null || closing === null) return failed;
  batch.forwarded[step] = [closing(batch.forwarded[step]?.[0] ?? [], rows)];
  return null;
}

/** Takes rows, and stream time, through a buffer. */
export async function runSuppressStep(
  { suppress }: SuppressStep,
  step: number,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
  mayFindOld: boolean,
): Promise<"tooLarge" | null> {
  const ran = await runSuppress(suppress, state, rows, passingOf(batch, mayFindOld));
  if (ran === null) return "tooLarge";
  if (ran.changes.keys.length > 0) {
    state.advance(ran.changes);
    batch.changes.push(ran.changes);
  }
  batch.forwarded[step] = [ran.rows];
  return null;
}

function passingOf(batch: Batch, mayFindOld: boolean): Passing {
  const { taken, streamTimeBeforeMs: beforeMs, streamTimeMs: afterMs } = batch;
  return { input: taken.input, beforeMs, afterMs, canBeLess: !isOfOne(batch), mayFindOld };
}

async function runRows(
  { operator }: OperatorStep,
  step: number,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
): Promise<MalformedRow | "tooLarge" | null> {
  const ran = await runOperator(operator, state, rows, clockOf(operator.windows, batch, rows));
  if (ran === null) {
    if (!isOfOne(batch)) return "tooLarge";
    for (const half of halvesOf(rows)) {
      const failed = await runRows(
        { kind: "operator", feeds: [], operator },
        step,
        state,
        batch,
        half,
      );
      if (failed !== null) return failed;
    }
    return null;
  }
  if ("message" in ran) return ran;
  state.advance(ran.changes);
  batch.changes.push(ran.changes);
  batch.forwarded[step] = [[...(batch.forwarded[step]?.[0] ?? []), ...ran.rows]];
  batch.dropped += ran.dropped;
  return null;
}

function isOfOne({ taken: { input } }: Batch): boolean {
  return input.to - input.from <= 1;
}

function halvesOf(rows: readonly RowRange[]): (readonly RowRange[])[] {
  if (rows.length > 1) {
    const half = rows.length >> 1;
    return [rows.slice(0, half), rows.slice(half)];
  }
  return rows.flatMap((range) => {
    const middle = (range.from + range.to) >> 1;
    return [[{ ...range, to: middle }], [{ ...range, from: middle }]];
  });
}

/**
 * Fetches the state that a stage's code needs, as the steps before it and the batches before this one have
 * left it. Null where it would not fit a frame and fewer rows would need less.
 */
export async function planHop(
  { stage }: StageStep,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
  stateBytesMax: number,
): Promise<Hop | MalformedRow | null> {
  const states: SlotState[] = [];
  const keys: KeySet[] = [];
  let stateBytes = 0;
  let dropped = 0;
  for (const [index, wanted] of stage.stores.entries()) {
    const clock = { ...clockOf(wanted.windows, batch, rows), mayGo: !isOfOne(batch) };
    const read = await readSlots(wanted, state, rows, clock, stateBytesMax);
    if (read === null) return isOfOne(batch) ? tooManySlots(rows, stage) : null;
    const { plan, found } = read;
    for (const value of found) stateBytes += value?.length ?? 0;
    keys.push(read.keys);
    states.push({
      store: index,
      values: found,
      slots: plan.slots,
      slotCounts: plan.slotCounts,
      windowStarts: plan.windowStarts,
      windowUnitMs: windowUnitOf(wanted.windows),
      ...("sessionLengths" in plan ? { sessionLengths: plan.sessionLengths } : {}),
    });
    dropped += plan.droppedRows;
  }
  const rowCount = countRows(rows);
  if (stateBytes > stateBytesMax && rowCount > 1 && !isOfOne(batch)) return null;
  batch.dropped += dropped;
  return { stage, rows, rowCount, states, keys };
}

/** One record has become so many rows that user code cannot be given what they need. */
function tooManySlots(rows: readonly RowRange[], { entries }: Stage): MalformedRow {
  const node = entries[0] ?? "";
  const message =
    `the record has become ${countRows(rows)} rows before node "${node}", which need more state than a ` +
    "batch may carry: make fewer of it, or repartition before the node";
  return { rows, row: 0, node, message };
}

/** Rows that are input as it came move stream time as they pass. */
function clockOf(
  windows: Windows | null,
  { rows: input, taken, streamTimeBeforeMs: streamTimeMs, streamTimeMs: afterMs }: Batch,
  rows: readonly RowRange[],
): RowClock {
  // Nobody's record moves the time of such rows: it has moved.
  if (taken.input.to === taken.input.from) return { streamTimeMs: afterMs, times: null };
  const isInput = windows === null || rows === input;
  return { streamTimeMs, times: isInput ? null : timesOf(rows, taken.input, streamTimeMs) };
}
