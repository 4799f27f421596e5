import { KEY_LENGTH, KEY_POSITION, STRIDE } from "../model/columns.ts";
import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { TopicExit } from "../model/topology.ts";
import type { Batch } from "./batch.ts";
import { fillRow, type Target } from "./emissions.ts";
import { partitionOf } from "./hooks.ts";

/** What the batches of a cut send to one exit, of which each key is written once. */
interface Collected {
  readonly exit: TopicExit;
  readonly rows: RowRange[];
}

/**
 * Of each key that the batches of a cut have changed the last row, in the order in which keys were first
 * changed: behind everything else that the cut of a task writes.
 */
export function appendOncePerCommit(batches: readonly Batch[], target: Target): void {
  const bySteps = new Map<number, Collected>();
  for (const { outcome } of batches) {
    for (const emission of outcome?.emissions ?? []) {
      if (emission.kind !== "latest") continue;
      const { step, exit, rows } = emission;
      const collected = bySteps.get(step) ?? { exit, rows: [] };
      for (const range of rows) collected.rows.push(range);
      bySteps.set(step, collected);
    }
  }
  for (const collected of bySteps.values()) appendLatest(collected, target);
}

function appendLatest({ exit, rows }: Collected, { runner, records, record }: Target): void {
  const table = new KeyTable();
  let total = 0;
  for (const { from, to } of rows) total += to - from;
  const ranges = new Int32Array(total);
  const indexes = new Int32Array(total);
  for (const [range, { columns, from, to }] of rows.entries()) {
    const { bytes, positions } = columns;
    for (let index = from; index < to; index++) {
      const at = index * STRIDE;
      const length = positions[at + KEY_LENGTH] as number;
      // An aggregate has no results without a key.
      if (length < 0) continue;
      const slot = table.add(bytes, positions[at + KEY_POSITION] as number, length);
      ranges[slot] = range;
      indexes[slot] = index;
    }
  }
  record.topic = exit.topic;
  record.partition = partitionOf(exit, runner);
  for (let slot = 0; slot < table.count; slot++) {
    const range = rows[ranges[slot] as number] as RowRange;
    record.keyBytes = range.columns.bytes;
    record.valueBytes = range.columns.bytes;
    fillRow(record, range, indexes[slot] as number);
    records.append(record);
  }
}
