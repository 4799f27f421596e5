import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { SlidingWindows, Stage } from "../model/topology.ts";
import { packValues } from "../model/value-columns.ts";
import type { Applied } from "../operators/aggregate.ts";
import type { SlotKeys } from "../operators/derived.ts";
import { applyFolds, type Folds, planFolds, rowsOfDistinctKeys } from "../operators/folding.ts";
import { planKeys } from "../operators/key-rows.ts";
import { planSliding, type SlidingPlan, slidingReach } from "../operators/sliding.ts";
import type { BatchAnswer } from "../ports/application.ts";
import type { TaskState } from "../ports/store.ts";
import { countRows, type Hop } from "./batch.ts";
import { foldedValues } from "./kept-folds.ts";
import { firstRows, rowsBehind } from "./row-parts.ts";
import type { RowClock } from "./run-operator.ts";

/** What a hop folds of sliding windows, beside what it carries. */
export interface FoldHop {
  readonly plan: SlidingPlan;
  readonly keys: SlotKeys;
  readonly folds: Folds;
  /** Index into the program's stores. */
  readonly store: number;
}

/** Windows that one hop folds into. */
const FOLDS_MAX = 65_536;

/**
 * The hop of an aggregation of the application in sliding windows: which windows a row is in, and which
 * begin with it, is up to what the rows of its key before it have left. So a hop takes rows of distinct
 * keys, and the rest follows when it has been answered.
 */
export async function planFoldHop(
  stage: Stage,
  windows: SlidingWindows,
  state: TaskState,
  rows: readonly RowRange[],
  clockOf: (rows: readonly RowRange[]) => RowClock,
  stateBytesMax: number,
): Promise<{ readonly hop: Hop; readonly dropped: number }> {
  const { beforeMs, afterMs } = slidingReach(windows);
  const wanted = stage.stores[0];
  const { store = 0, takes = "valued" } = wanted ?? {};
  let some = rows;
  for (;;) {
    const keyRows = planKeys(some, takes, beforeMs, afterMs, 0);
    const total = countRows(some);
    const distinct = rowsOfDistinctKeys(keyRows);
    const stored =
      distinct < total ? null : await state.times(store, keyRows, "head", stateBytesMax);
    const { streamTimeMs, times } = clockOf(some);
    const table = new KeyTable();
    const plan =
      stored === null
        ? null
        : planSliding(some, windows, streamTimeMs, keyRows, stored, table, times);
    if (plan === null || (plan.steps.count > FOLDS_MAX && total > 1)) {
      some = firstRows(some, distinct < total ? distinct : total >> 1);
      continue;
    }
    const keys = table.keys();
    const folds = planFolds(plan, keys);
    const { slots, slotCounts, values, windowStarts } = folds;
    const packed = packValues(values);
    const slotState = {
      store: 0,
      values: packed,
      slots,
      slotCounts,
      windowStarts,
      windowUnitMs: 1,
    };
    const hop: Hop = {
      stage,
      rows: some,
      rowCount: total,
      states: [slotState],
      keys: [folds.keys],
      rest: rowsBehind(rows, total),
      fold: { plan, keys, folds, store },
    };
    return { hop, dropped: plan.droppedRows };
  }
}

/** What the rows of the hop have become: what the application forwarded is known from what it keeps. */
export function foldedBy({ rows }: Hop, fold: FoldHop, answer: BatchAnswer): Applied {
  const values = foldedValues(fold.folds.keys.count, answer);
  return applyFolds(rows, fold.plan, fold.keys, fold.folds, values, fold.store);
}
