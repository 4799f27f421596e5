import type { StoreChanges } from "../model/changes.ts";
import { STRIDE, VALUE_LENGTH, VALUE_POSITION } from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { Operator } from "../model/topology.ts";
import type { ValueColumns } from "../model/value-columns.ts";
import { Derived, type SlotKeys } from "./derived.ts";
import type { SessionPlan } from "./sessions.ts";
import type { SlidingPlan } from "./sliding.ts";
import { COPY, EXTEND, FOLD, START } from "./sliding-steps.ts";
import { SlotValues } from "./slot-values.ts";
import type { SlotPlan } from "./windows.ts";

/** What a built-in aggregation leaves behind for a batch. */
export interface Applied {
  /** One row for each update, in order, with the input's offset. */
  readonly rows: readonly RowRange[];
  /** The last value of each key. */
  readonly changes: StoreChanges;
}

/**
 * Folds the rows of a batch into their slots. `found` holds the stored value of each slot of `plan`. Every
 * update is forwarded, as Kafka Streams does with its cache at 0.
 */
export function applyAggregate(
  rows: readonly RowRange[],
  plan: SlotPlan,
  keys: SlotKeys,
  found: ValueColumns,
  operator: Operator,
): Applied {
  const values = new SlotValues(operator);
  values.reserve(keys.count);
  const { positions: spans, bytes: stored } = found;
  for (let slot = 0; slot < keys.count; slot++) {
    const length = spans[slot * 2 + 1] as number;
    if (length >= 0) values.load(slot, stored, spans[slot * 2] as number, length);
  }
  const { numbers } = values;
  const keyKind = operator.windows === null ? "keyValue" : "window";
  const derived = new Derived(rows, keys, keyKind, plan.slots.length, numbers.width);
  const stamps = operator.isTimestamped === true;
  let row = 0;
  let next = 0;
  for (const range of rows) {
    const { bytes, positions, timestamps } = range.columns;
    derived.startRange(range);
    for (let index = range.from; index < range.to; index++, row++) {
      const end = next + (plan.slotCounts === null ? 1 : (plan.slotCounts[row] as number));
      if (next === end) continue;
      derived.startRow(range, index);
      const at = positions[index * STRIDE + VALUE_POSITION] as number;
      const timestamp = timestamps[index] as number;
      while (next < end) {
        const slot = plan.slots[next++] as number;
        if (stamps) values.stamp(slot, timestamp);
        numbers.fold(slot, bytes, at);
        values.written(slot);
        derived.append(range, index, slot, numbers, timestamp);
      }
    }
    derived.endRange(range);
  }
  return { rows: derived.ranges, changes: values.changes(keys) };
}

/**
 * The same for sessions: those that a row merges are forwarded as null, then the one that it makes of them,
 * with its end as time and without headers, as Kafka Streams does.
 */
export function applySessions(
  rows: readonly RowRange[],
  plan: SessionPlan,
  keys: SlotKeys,
  operator: Operator,
): Applied {
  // Behind the slots: what merges.
  const merged = keys.count;
  const values = loaded(operator, plan.found, keys.count, merged + 1);
  const { numbers } = values;
  const derived = new Derived(rows, keys, "session", plan.slots.length, numbers.width);
  const endOf = (slot: number): number =>
    (plan.windowStarts[slot] as number) + (plan.sessionLengths[slot] as number);
  let row = 0;
  let next = 0;
  for (const range of rows) {
    const { bytes, positions } = range.columns;
    derived.startRange(range);
    for (let index = range.from; index < range.to; index++, row++) {
      const first = next;
      next += plan.slotCounts === null ? 1 : (plan.slotCounts[row] as number);
      if (next === first) continue;
      derived.startBareRow();
      const target = plan.slots[next - 1] as number;
      numbers.clear(merged);
      for (let i = first; i < next - 1; i++) numbers.merge(merged, plan.slots[i] as number);
      for (let i = first; i < next - 1; i++) {
        const slot = plan.slots[i] as number;
        numbers.clear(slot);
        values.written(slot);
        derived.appendNull(range, index, slot, endOf(slot));
      }
      if (next - first > 1) numbers.copy(target, merged);
      numbers.fold(target, bytes, positions[index * STRIDE + VALUE_POSITION] as number);
      values.written(target);
      derived.append(range, index, target, numbers, endOf(target));
    }
    derived.endRange(range);
  }
  return { rows: derived.ranges, changes: values.changes(keys) };
}

/** The same for sliding windows: the steps of their plan, each forwarded with the window's latest time. */
export function applySliding(
  rows: readonly RowRange[],
  { steps, stepCounts, found }: SlidingPlan,
  keys: SlotKeys,
  operator: Operator,
): Applied {
  const values = loaded(operator, found, keys.count, keys.count);
  const { numbers } = values;
  const derived = new Derived(rows, keys, "window", steps.forwards, numbers.width);
  let row = 0;
  let next = 0;
  for (const range of rows) {
    const { bytes, positions } = range.columns;
    derived.startRange(range);
    for (let index = range.from; index < range.to; index++, row++) {
      const end = next + (stepCounts[row] as number);
      if (next === end) continue;
      derived.startRow(range, index);
      const at = positions[index * STRIDE + VALUE_POSITION] as number;
      for (; next < end; next++) {
        const kind = steps.kinds[next] as number;
        const slot = steps.slots[next] as number;
        const time = steps.times[next] as number;
        if (kind === START) numbers.clear(slot);
        if (kind === COPY || kind === EXTEND) numbers.copy(slot, steps.sources[next] as number);
        if (kind === FOLD || kind === START || kind === EXTEND) numbers.fold(slot, bytes, at);
        values.times[slot] = time;
        values.written(slot);
        if (kind !== COPY) derived.append(range, index, slot, numbers, time);
      }
    }
    derived.endRange(range);
  }
  return { rows: derived.ranges, changes: values.changes(keys) };
}

/** What the store holds of the slots, with room for so many. */
function loaded(
  operator: Operator,
  found: readonly (Buffer | null)[],
  slots: number,
  capacity: number,
): SlotValues {
  const values = new SlotValues(operator);
  values.reserve(capacity);
  for (let slot = 0; slot < slots; slot++) {
    const value = found[slot] ?? null;
    if (value !== null) values.load(slot, value, 0, value.length);
  }
  return values;
}

/** A row whose value is no number of the type that the node reads. */
export interface Malformed {
  /** The row, counted over all ranges. */
  readonly row: number;
  readonly length: number;
  readonly width: number;
}

/** The first row with a value that cannot be read; a count reads none. */
export function malformedRow(rows: readonly RowRange[], operator: Operator): Malformed | null {
  if (operator.kind === "count") return null;
  const width = operator.number === "int32" ? 4 : 8;
  let row = 0;
  for (const { columns, from, to } of rows) {
    for (let index = from; index < to; index++, row++) {
      const length = columns.positions[index * STRIDE + VALUE_LENGTH] as number;
      if (length >= 0 && length !== width) return { row, length, width };
    }
  }
  return null;
}
