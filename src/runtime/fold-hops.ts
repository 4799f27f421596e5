import { KeyTable } from "../model/key-table.ts";
import { OUTPUT_STRIDE, type RowRange } from "../model/rows.ts";
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
  return applyFolds(rows, fold.plan, fold.keys, fold.folds, valuesOf(fold, answer), fold.store);
}

/** The new value of each slot; undefined where it says none. */
function valuesOf({ folds }: FoldHop, { mutations }: BatchAnswer): (Buffer | null | undefined)[] {
  const values: (Buffer | null | undefined)[] = folds.values.map(() => undefined);
  for (const { bytes, slots, values: spans } of mutations) {
    for (let i = 0; i < slots.length; i++) {
      const [position, length] = [spans[i * 2] as number, spans[i * 2 + 1] as number];
      const isGone = length < 0;
      values[slots[i] as number] = isGone ? null : bytes.subarray(position, position + length);
    }
  }
  return values;
}

/**
 * What is wrong with an answer: windows that begin with what another holds are forwarded by the sidecar, so
 * that what leaves the node must be what its store has. Null where all is well.
 */
export function faultOfFolds({ stage }: Hop, fold: FoldHop, answer: BatchAnswer): string | null {
  const { slotCounts, keys } = fold.folds;
  const values = valuesOf(fold, answer);
  const { exits } = stage;
  const { outputs } = answer;
  let output = 0;
  let slot = 0;
  for (let row = 0; row < slotCounts.length; row++) {
    const end = slot + (slotCounts[row] as number);
    // A value that is none to the application: the row is none, either.
    const isNone = slot < end && values[slot] === undefined;
    for (; slot < end; slot++) {
      const value = values[slot];
      if ((value === undefined) !== isNone) return `it folds row ${row} into some of its windows`;
      if (value === undefined) continue;
      const key = keys.positions.subarray(slot * 2, slot * 2 + 2);
      for (let exit = 0; exit < exits.length; exit++, output++) {
        if (outputs.inputs[output] !== row || (outputs.sinks?.[output] ?? 0) !== exit) {
          return `it does not forward each window of row ${row} to each of ${exits.length} nodes`;
        }
        const isSame = isKept(outputs, output, keys.bytes, key, value);
        if (!isSame) return otherwise(exits[exit]?.node ?? "", stage.entries[0] ?? "");
      }
    }
  }
  const rest = outputs.count - output;
  return rest === 0 ? null : `it has ${rest} outputs that no window is forwarded by`;
}

function otherwise(node: string, aggregate: string): string {
  return (
    `"${node}" writes keys or values of "${aggregate}" otherwise than its store has them, and windows that ` +
    "the sidecar begins would be written as the store has them: put a map between the two nodes"
  );
}

/** Whether an output is the slot's window, as `key | int64 start`, with the value that the store gets. */
function isKept(
  { bytes, positions }: BatchAnswer["outputs"],
  output: number,
  keyBytes: Buffer,
  [position = 0, length = 0]: Int32Array,
  value: Buffer | null,
): boolean {
  const at = output * OUTPUT_STRIDE;
  const [keyAt, keyLength] = [positions[at] as number, positions[at + 1] as number];
  const [valueAt, valueLength] = [positions[at + 2] as number, positions[at + 3] as number];
  if (valueLength !== (value?.length ?? -1)) return false;
  if (keyLength !== length - SEQUENCE_BYTES) return false;
  const key = keyBytes.compare(bytes, keyAt, keyAt + keyLength, position, position + keyLength);
  return key === 0 && (value?.compare(bytes, valueAt, valueAt + valueLength) ?? 0) === 0;
}

/** The store's key of a window ends in a sequence number. */
const SEQUENCE_BYTES = 4;
