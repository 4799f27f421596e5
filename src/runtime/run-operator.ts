import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Operator, SlidingWindows } from "../model/topology.ts";
import { packValues, type ValueColumns } from "../model/value-columns.ts";
import {
  applyAggregate,
  applySessions,
  applySliding,
  malformedRow,
} from "../operators/aggregate.ts";
import { planKeys } from "../operators/key-rows.ts";
import { planSessions, type SessionPlan } from "../operators/sessions.ts";
import { planSliding, slidingReach } from "../operators/sliding.ts";
import { planSlots, type SlotPlan, type SlotSpec } from "../operators/windows.ts";
import type { KeySet, StoreChanges, TaskState } from "../ports/store.ts";
import { countRows } from "./batch.ts";
import { hideGone, ttlOf } from "./time-to-live.ts";

/** Slots of one batch: a record of many windows has many, and a batch of them fewer rows. */
const SLOTS_MAX = 65_536;
/** State of one batch that a built-in node reads by key and time. */
const STATE_BYTES_MAX = 16 * 1024 * 1024;

/** The stream time that rows see. */
export interface RowClock {
  /** Before the first of them. */
  readonly streamTimeMs: number;
  /** As of each; null where each moves it by its own timestamp. */
  readonly times: Float64Array | null;
  /** Before the record of each, where sessions need it: rows between two of them may have been dropped. */
  readonly timesBefore?: Float64Array;
  /** Whether the batch is the application's, and can be smaller: it may end a session, or an entry's time. */
  readonly mayGo?: boolean;
}

/** What a built-in node made of a batch's rows. */
export interface Ran {
  readonly rows: readonly RowRange[];
  readonly changes: StoreChanges;
  readonly dropped: number;
  /** How many slots each row had; null where each had one. */
  readonly counts: Int32Array | null;
}

/** Why it could make nothing of them: the rows before `row` are sound. */
export interface MalformedRow {
  readonly rows: readonly RowRange[];
  readonly row: number;
  readonly node: string;
  readonly message: string;
}

/**
 * Takes rows through a built-in node: one plan, one read, one apply (design.md §4). Writes nothing. Null
 * where a batch may not have so many slots, or so much state: the caller takes fewer rows.
 */
export async function runOperator(
  operator: Operator,
  state: TaskState,
  rows: readonly RowRange[],
  clock: RowClock,
): Promise<Ran | MalformedRow | null> {
  const failed = failedRow(operator, rows);
  if (failed !== null) return failed;
  if (operator.windows?.kind === "sliding") {
    return await runSliding(operator, operator.windows, state, rows, clock);
  }
  const read = await readSlots(operator, state, rows, clock, STATE_BYTES_MAX);
  if (read === null) return null;
  const { plan, keys, found } = read;
  const applied =
    "sessionLengths" in plan
      ? applySessions(rows, plan, keys, operator)
      : applyAggregate(rows, plan, keys, found, operator);
  return { ...applied, dropped: plan.droppedRows, counts: plan.slotCounts };
}

async function runSliding(
  operator: Operator,
  windows: SlidingWindows,
  state: TaskState,
  rows: readonly RowRange[],
  { streamTimeMs, times }: RowClock,
): Promise<Ran | null> {
  const { beforeMs, afterMs } = slidingReach(windows);
  const keyRows = planKeys(rows, operator.takes ?? "valued", beforeMs, afterMs, 0);
  const stored = await state.times(operator.store, keyRows, "head", STATE_BYTES_MAX);
  if (stored === null) return null;
  const table = new KeyTable();
  const plan = planSliding(rows, windows, streamTimeMs, keyRows, stored, table, times);
  if (isTooWide(plan.steps.count, rows)) return null;
  const applied = applySliding(rows, plan, table.keys(), operator);
  return { ...applied, dropped: plan.droppedRows, counts: plan.stepCounts };
}

/** The slots of rows in one store, and what it has of them. */
export interface ReadSlots {
  readonly plan: SlotPlan | SessionPlan;
  readonly keys: KeySet;
  readonly found: ValueColumns;
}

/** Plans the slots of rows and reads them: by key, or, for sessions, what is around each key's rows. */
export async function readSlots(
  spec: SlotSpec & { readonly store: number },
  state: TaskState,
  rows: readonly RowRange[],
  clock: RowClock,
  bytesMax: number,
): Promise<ReadSlots | null> {
  const { streamTimeMs, times, timesBefore = null, mayGo } = clock;
  const { windows, takes = "keyed", store } = spec;
  const table = new KeyTable(countRows(rows));
  if (windows?.kind === "session") {
    const keyRows = planKeys(rows, takes, windows.gapMs, Number.POSITIVE_INFINITY);
    const stored = await state.times(store, keyRows, "head", bytesMax);
    if (stored === null) return null;
    const seen = times === null ? null : { at: times, before: timesBefore };
    const plan = planSessions(rows, windows, streamTimeMs, keyRows, stored, table, seen, mayGo);
    if (plan.isAmbiguous || isTooWide(plan.slots.length, rows)) return null;
    return { plan, keys: table.keys(), found: packValues(plan.found) };
  }
  const plan = planSlots(rows, spec, streamTimeMs, table, times);
  if (isTooWide(plan.slots.length, rows)) return null;
  const keys = table.keys();
  const found = await state.read(store, keys, "head");
  const ttlMs = ttlOf(state.stores[store]);
  const isLive = ttlMs === null || hideGone(found, plan, rows, ttlMs, clock);
  return isLive ? { plan, keys, found } : null;
}

/** One row is always taken, however many slots it has. */
function isTooWide(slots: number, rows: readonly RowRange[]): boolean {
  return slots > SLOTS_MAX && countRows(rows) > 1;
}

function failedRow(operator: Operator, rows: readonly RowRange[]): MalformedRow | null {
  const malformed = malformedRow(rows, operator);
  if (malformed === null) return null;
  const { kind, node, number = "int64" } = operator;
  const { row, length, width } = malformed;
  const message =
    `node "${node}" reads its value as ${number} for a ${kind}, of ${width} bytes, and it has ` +
    `${length}: send what Kafka's serializer of that type writes, or declare the type that it has`;
  return { rows, row, node, message };
}
