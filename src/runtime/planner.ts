import { KeyTable } from "../model/key-table.ts";
import type { RowRange, SlotState } from "../model/rows.ts";
import type { OperatorStep, StageStep, Windows } from "../model/topology.ts";
import { applyCount } from "../operators/count.ts";
import { planSlots, windowUnitOf } from "../operators/windows.ts";
import type { KeySet, TaskState } from "../ports/store.ts";
import { type Batch, countRows, type Hop } from "./batch.ts";
import { timesOf } from "./stream-clock.ts";

/** Runs a built-in node over all rows that reached it. What it forwards stands in the batch. */
export async function runOperator(
  { operator }: OperatorStep,
  step: number,
  state: TaskState,
  batch: Batch,
  rows: readonly RowRange[],
): Promise<void> {
  const table = new KeyTable();
  const times = timesFor(operator.windows, batch, rows);
  const plan = planSlots(rows, operator, batch.streamTimeBeforeMs, table, times);
  const found = await state.read(operator.store, table.keys(), "head");
  const applied = applyCount(rows, plan, table.keys(), found, operator);
  state.advance(applied.changes);
  batch.changes.push(applied.changes);
  batch.forwarded[step] = [applied.rows];
  batch.dropped += plan.droppedRows;
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
): Promise<Hop | null> {
  const states: SlotState[] = [];
  const keys: KeySet[] = [];
  let stateBytes = 0;
  let dropped = 0;
  for (const [index, wanted] of stage.stores.entries()) {
    const table = new KeyTable();
    const times = timesFor(wanted.windows, batch, rows);
    const plan = planSlots(rows, wanted, batch.streamTimeBeforeMs, table, times);
    const values = await state.read(wanted.store, table.keys(), "head");
    for (const value of values) stateBytes += value?.length ?? 0;
    keys.push(table.keys());
    states.push({
      store: index,
      values,
      slots: plan.slots,
      slotCounts: plan.slotCounts,
      windowStarts: plan.windowStarts,
      windowUnitMs: windowUnitOf(wanted.windows),
    });
    dropped += plan.droppedRows;
  }
  const rowCount = countRows(rows);
  const { from, to } = batch.taken.input;
  if (stateBytes > stateBytesMax && rowCount > 1 && to - from > 1) return null;
  batch.dropped += dropped;
  return { stage, rows, rowCount, states, keys };
}

/** Null where rows are input as it came: then they move stream time as they pass. */
function timesFor(
  windows: Windows | null,
  { rows: input, taken, streamTimeBeforeMs }: Batch,
  rows: readonly RowRange[],
): Float64Array | null {
  if (windows === null || rows === input) return null;
  return timesOf(rows, taken.input, streamTimeBeforeMs);
}
