import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Operator } from "../model/topology.ts";
import { applyAggregate, malformedRow } from "../operators/aggregate.ts";
import { planSlots } from "../operators/windows.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";

/** Slots of one batch: a record of many windows has many, and a batch of them fewer rows. */
export const SLOTS_MAX = 65_536;

/** What a built-in node made of a batch's rows. */
export interface Ran {
  readonly rows: readonly RowRange[];
  readonly changes: StoreChanges;
  readonly dropped: number;
}

/** Why it could make nothing of them: the rows before `row` are sound. */
export interface FailedRow {
  readonly row: number;
  readonly node: string;
  readonly message: string;
}

/**
 * Takes rows through a built-in node: one plan, one read, one apply (design.md §4). Writes nothing. Null
 * where that would need more slots than a batch may have: the caller takes fewer rows.
 */
export async function runOperator(
  operator: Operator,
  state: TaskState,
  rows: readonly RowRange[],
  streamTimeMs: number,
): Promise<Ran | FailedRow | null> {
  const failed = failedRow(operator, rows);
  if (failed !== null) return failed;
  const table = new KeyTable();
  const plan = planSlots(rows, operator, streamTimeMs, table);
  const keys = table.keys();
  if (isTooWide(plan.slots.length, rows)) return null;
  const found = await state.read(operator.store, keys, "head");
  return { ...applyAggregate(rows, plan, keys, found, operator), dropped: plan.droppedRows };
}

/** One row is always taken, however many slots it has. */
export function isTooWide(slots: number, rows: readonly RowRange[]): boolean {
  if (slots <= SLOTS_MAX) return false;
  let count = 0;
  for (const { from, to } of rows) count += to - from;
  return count > 1;
}

function failedRow(operator: Operator, rows: readonly RowRange[]): FailedRow | null {
  const malformed = malformedRow(rows, operator);
  if (malformed === null) return null;
  const { kind, node, number = "int64" } = operator;
  const { row, length, width } = malformed;
  const message =
    `node "${node}" reads its value as ${number} for a ${kind}, of ${width} bytes, and it has ` +
    `${length}: send what Kafka's serializer of that type writes, or declare the type that it has`;
  return { row, node, message };
}
