import { countOf } from "../model/changes.ts";
import type { RowRange, SlotState } from "../model/rows.ts";
import type {
  OperatorStep,
  Stage,
  StageStep,
  StageStore,
  SuppressStep,
} from "../model/topology.ts";

import { bytesOfValues } from "../model/value-columns.ts";
import { type Stamped, takeStamps } from "../operators/stamps.ts";

import { windowUnitOf } from "../operators/windows.ts";
import type { KeySet, TaskState } from "../ports/store.ts";
import { type Batch, countRows, type Hop } from "./batch.ts";
import { readClosing } from "./close-windows.ts";
import { planFoldHop } from "./fold-hops.ts";
import { ownTimesOf } from "./own-times.ts";
import { firstRows, rowsBehind } from "./row-parts.ts";
import {
  type MalformedRow,
  type ReadSlots,
  type RowClock,
  readSlots,
  runOperator,
} from "./run-operator.ts";
import { type Passing, runSuppress } from "./run-suppress.ts";
import { timesBefore, timesOf } from "./stream-clock.ts";
import { ttlOf } from "./time-to-live.ts";

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
    ? await readClosing(
        { windows, delayMs: closeDelayMs },
        own.operator.store,
        state,
        passingOf(batch, false),
      )
    : null;
  if (isClosing && closing === null) return "tooLarge";
  const failed = rows.length === 0 ? null : await runRows(own, step, state, batch, rows);
  if (failed !== null || closing === null) return failed;
  batch.forwarded[step] = [closing(batch.forwarded[step]?.[0] ?? [], rows)];
  return null;
}

/**
 * Reads what closes behind the application's folds, before the first of them. False where fewer records are
 * to be taken.
 */
export async function beginClosing(
  { closes, stores }: Stage,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
): Promise<boolean> {
  if (closes === undefined || batch.closing !== null) return true;
  const closed = await readClosing(closes, stores[0]?.store ?? 0, state, passingOf(batch, false));
  if (closed === null) return false;
  batch.closing = { rows, closed };
  return true;
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
  if (countOf(ran.changes) > 0) {
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
  const clock = clockOf(operator, batch, rows);
  const ran = await runOperator(operator, state, rows, clock);
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
  moveOwnTime(operator, batch, clock);
  state.advance(ran.changes);
  batch.changes.push(ran.changes);
  batch.forwarded[step] = [[...(batch.forwarded[step]?.[0] ?? []), ...ran.rows]];
  batch.dropped += ran.dropped;
  if (operator.windows !== null) noteLate(batch, operator.node, operator, rows, ran.counts);
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
 * left it. Null where it would not fit a frame and fewer records would need less; what one record has become
 * goes in parts, each when the one before it has been answered.
 */
export async function planHop(
  step: StageStep,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
  stateBytesMax: number,
): Promise<Hop | null> {
  const { stage } = step;
  const [folded] = stage.stores;
  if (stage.folds !== undefined && folded !== undefined) {
    const clock = (some: readonly RowRange[]): RowClock => clockOf(folded, batch, some);
    const planned = await planFoldHop(stage, stage.folds, state, rows, clock, stateBytesMax);
    batch.dropped += planned.dropped;
    const { fold, rows: folds } = planned.hop;
    noteLate(batch, stage.entries[0] ?? "", folded, folds, fold?.plan.stepCounts ?? null);
    moveOwnTime(folded, batch, clock(planned.hop.rows));
    return planned.hop;
  }
  const hop = await carry(stage, state, batch, rows, stateBytesMax);
  if (hop !== null || !isOfOne(batch)) return hop;
  const first = firstRows(rows, Math.max(1, countRows(rows) >> 1));
  const part = await planHop(step, state, batch, first, stateBytesMax);
  return part === null ? null : { ...part, rest: rowsBehind(rows, part.rowCount) };
}

/** Rows with their state; null where that is too much, or what a row needs is up to one before it. */
async function carry(
  stage: Stage,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
  stateBytesMax: number,
): Promise<Hop | null> {
  const states: SlotState[] = [];
  const keys: KeySet[] = [];
  const clocks: RowClock[] = [];
  let stateBytes = 0;
  let dropped = 0;
  let times: Float64Array | undefined;
  for (const [index, wanted] of stage.stores.entries()) {
    const isTimed = wanted.windows !== null || ttlOf(state.stores[wanted.store]) !== null;
    const clock = { ...clockOf(wanted, batch, rows, isTimed), mayGo: true };
    clocks.push(clock);
    const read = await readSlots(wanted, state, rows, clock, stateBytesMax);
    if (read === null) return null;
    const { plan } = read;
    const { found, ...stamped } = unstamped(read, wanted, state);
    times = stamped.times ?? times;
    stateBytes += bytesOfValues(found);
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
  if (stateBytes > stateBytesMax && rowCount > 1) return null;
  batch.dropped += dropped;
  for (const [index, clock] of clocks.entries()) moveOwnTime(stage.stores[index], batch, clock);
  for (const [index, { slotCounts }] of states.entries()) {
    const wanted = stage.stores[index];
    if (wanted === undefined || wanted.windows === null) continue;
    noteLate(batch, stage.entries[0] ?? "", wanted, rows, slotCounts);
  }
  return { stage, rows, rowCount, states, keys, ...(times === undefined ? {} : { times }) };
}

/** The application's values travel without the times that their windows have in the store. */
function unstamped(
  { found }: ReadSlots,
  { store, windows }: StageStore,
  state: TaskState,
): Stamped {
  const isStamped = windows !== null && state.stores[store]?.isTimestamped === true;
  return isStamped ? takeStamps(found) : { found };
}

/** Rows that are input as it came move stream time as they pass. */
function clockOf(
  spec: Clocked,
  batch: Batch,
  rows: readonly RowRange[],
  isTimed = spec.windows !== null,
): RowClock {
  const { rows: input, taken, streamTimeBeforeMs, streamTimeMs, ownTimes, isOfTimers } = batch;
  const { store, takes = "keyed" } = spec;
  if (spec.ownTime === true && ownTimes !== null) {
    const ownTimeMs = ownTimes.of(store);
    return { streamTimeMs: ownTimeMs, times: ownTimesOf(rows, takes, ownTimeMs) };
  }
  // Nobody's record moves the time of such rows: it has moved.
  if (taken.input.to === taken.input.from) return { streamTimeMs, times: null };
  const clock = { streamTimeMs: streamTimeBeforeMs, times: null };
  // A timer of the wall clock carries a time that is none of the stream's.
  if (!isTimed || (rows === input && !isOfTimers)) return clock;
  const times = timesOf(rows, taken.input, streamTimeBeforeMs, streamTimeMs);
  if (spec.windows?.kind !== "session") return { ...clock, times };
  const before = timesBefore(rows, taken.input, streamTimeBeforeMs, streamTimeMs);
  return { ...clock, times, timesBefore: before };
}

function noteLate(
  { late, streamTimeMs }: Batch,
  node: string,
  { takes = "keyed" }: Clocked,
  rows: readonly RowRange[],
  counts: Int32Array | null,
): void {
  late?.add(node, takes, rows, counts, streamTimeMs);
}

interface Clocked extends Pick<StageStore, "store" | "windows" | "takes" | "ownTime"> {}

/** The rows are planned: those behind them see the time that they have left. */
function moveOwnTime(spec: Clocked | undefined, { ownTimes }: Batch, { times }: RowClock): void {
  const last = times?.at(-1) ?? Number.NEGATIVE_INFINITY;
  if (spec?.ownTime === true && Number.isFinite(last)) ownTimes?.after.set(spec.store, last);
}
