import type { RowRange, SlotState } from "../model/rows.ts";
import type { Program } from "../model/topology.ts";
import { windowUnitOf } from "../operators/windows.ts";
import type { KeySet, StoreChanges, TaskState } from "../ports/store.ts";
import { type Batch, countRows } from "./batch.ts";
import { type FailedRow, readSlots, runOperator } from "./run-operator.ts";

/** What is taken, and which of it is processed; the rest is parked. */
export interface PlannedRows extends Pick<Batch, "taken" | "parked"> {
  readonly rows: readonly RowRange[];
}

/**
 * Takes a batch through the built-in nodes and fetches the state that user code needs: for each node
 * one plan over all rows, one multi-get, one apply (design.md §4).
 *
 * Returns null when the state that travels would not fit a frame: the caller takes fewer rows. Returns
 * the row that a built-in node failed on, if one did: nothing of the batch counts then.
 */
export async function planBatch(
  program: Program,
  state: TaskState,
  { taken, rows: input, parked }: PlannedRows,
  streamTimeMs: number,
  stateBytesMax: number,
): Promise<Batch | FailedRow | null> {
  let rows = input;
  let dropped = 0;
  const upstream: StoreChanges[] = [];
  for (const operator of program.operators) {
    const ran = await runOperator(operator, state, rows, streamTimeMs);
    if (ran === null || "message" in ran) return ran;
    state.advance(ran.changes);
    upstream.push(ran.changes);
    rows = ran.rows;
    dropped += ran.dropped;
  }
  const states: SlotState[] = [];
  const keys: KeySet[] = [];
  let stateBytes = 0;
  for (const [index, wanted] of (program.stage?.stores ?? []).entries()) {
    const read = await readSlots(wanted, state, "staged", rows, streamTimeMs, stateBytesMax);
    if (read === null) return null;
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
  if (stateBytes > stateBytesMax && rowCount > 1) return null;
  return {
    taken,
    rows,
    rowCount,
    states,
    keys,
    upstream,
    streamTimeMs: latestTimestamp(taken.input, streamTimeMs),
    dropped,
    givenUp: null,
    parked,
    settles: null,
    outcome: null,
    staged: false,
    trace: null,
  };
}

function latestTimestamp(range: RowRange, since: number): number {
  const { timestamps } = range.columns;
  let latest = since;
  for (let row = range.from; row < range.to; row++) {
    const timestamp = timestamps[row] ?? latest;
    if (timestamp > latest) latest = timestamp;
  }
  return latest;
}
