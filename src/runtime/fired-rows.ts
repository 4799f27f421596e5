import {
  KEY_LENGTH,
  KEY_POSITION,
  RecordColumns,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import { KeyTable } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import {
  decodeFiring,
  decodeTimer,
  decodeTimerKey,
  encodeFiring,
  encodeTimer,
  encodeTimerKey,
  nextPunctuation,
  type TimerName,
  type TimerNode,
} from "../model/timers.ts";
import type { TopicExit } from "../model/topology.ts";
import { valuesOf } from "../model/value-columns.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";
import type { Batch, Emission } from "./batch.ts";

/** What fires: the records that tell of it, and the entries marked. */
export interface Firings {
  readonly changes: StoreChanges;
  readonly emission: Emission;
  readonly bytes: number;
}

/** Timers as records: each with its time, a punctuation with the clock's. */
export function firingsOf(
  node: TimerNode,
  keys: readonly Buffer[],
  times: readonly number[],
  nowMs: number,
): Firings {
  const parts: Buffer[] = [];
  const columns = new RecordColumns(Buffer.alloc(0), keys.length);
  let bytes = 0;
  const add = (part: Buffer): number => {
    parts.push(part);
    bytes += part.length;
    return bytes - part.length;
  };
  const values = keys.map((entry, index) => {
    const timer = decodeTimerKey(entry);
    // It was taken out of the topology: nobody is called.
    if (!isKnown(node, timer)) return null;
    const timeMs = times[index] ?? 0;
    const firedAtMs = timer.key === null ? nowMs : timeMs;
    const at = columns.count * STRIDE;
    const value = encodeFiring(timer);
    columns.positions[at + KEY_POSITION] = add(timer.key ?? Buffer.alloc(0));
    columns.positions[at + KEY_LENGTH] = timer.key?.length ?? -1;
    columns.positions[at + VALUE_POSITION] = add(value);
    columns.positions[at + VALUE_LENGTH] = value.length;
    columns.offsets[columns.count] = columns.count;
    columns.timestamps[columns.count] = firedAtMs;
    columns.count += 1;
    return encodeTimer({ timeMs, firedAtMs });
  });
  columns.bytes = Buffer.concat(parts);
  const exit: TopicExit = {
    kind: "topic",
    node: node.node,
    topic: node.topic,
    isHook: false,
    isOwn: true,
  };
  const rows = [{ source: 0, partition: 0, columns, from: 0, to: columns.count }];
  const changes = { store: node.store, keys, values };
  return { changes, emission: { kind: "rows", exit, rows }, bytes };
}

/** Rows that are handled, and what that changes; or how many rows there may be. */
export type ReadFired =
  | {
      readonly rows: readonly RowRange[];
      readonly changes: StoreChanges | null;
      /** Rows of timers that were cancelled or moved since they fired. */
      readonly dropped: number;
    }
  | { readonly rowsMax: number };

/**
 * Compares what has fired with what is kept: it is handled where it is still so. The entry goes in the cut of
 * what its handler does, unless that sets it anew. Two timers of a key are two batches, because the
 * first may cancel the second.
 */
export async function readFired(
  node: TimerNode,
  state: TaskState,
  { rows, taken: { input } }: Pick<Batch, "rows" | "taken">,
): Promise<ReadFired> {
  const found = await entriesOf(node, state, rows);
  const keys: Buffer[] = [];
  const values: (Buffer | null)[] = [];
  const kept: RowRange[] = [];
  const seen = new Set<string>();
  for (const fired of found) {
    const { range, row, timer, value } = fired;
    if (value === null || timer === null) continue;
    const name =
      timer.key === null
        ? `p ${fired.entry.toString("latin1")}`
        : `k ${timer.key.toString("latin1")}`;
    if (seen.has(name)) return { rowsMax: row - input.from };
    seen.add(name);
    keys.push(fired.entry);
    values.push(handled(node, timer, value));
    const last = kept.at(-1);
    if (last !== undefined && last.columns === range.columns && last.to === row) {
      kept[kept.length - 1] = { ...last, to: row + 1 };
    } else kept.push({ ...range, from: row, to: row + 1 });
  }
  const changes = keys.length === 0 ? null : { store: node.store, keys, values };
  return { rows: kept, changes, dropped: found.length - keys.length };
}

/**
 * What a record that is given up leaves: a punctuation goes on, a timer that is skipped is gone. One with a
 * dead letter stays as it is, for a replay to handle, until it is set anew.
 */
export async function givenUpFired(
  node: TimerNode,
  state: TaskState,
  batch: Batch,
): Promise<Batch> {
  const found = await entriesOf(node, state, [batch.taken.input]);
  const keys: Buffer[] = [];
  const values: (Buffer | null)[] = [];
  for (const { entry, timer, value } of found) {
    if (value === null || timer === null) continue;
    if (timer.key !== null && batch.givenUp?.action !== "skip") continue;
    keys.push(entry);
    values.push(handled(node, timer, value));
  }
  if (keys.length > 0) batch.changes.push({ store: node.store, keys, values });
  return batch;
}

interface FoundFired {
  readonly range: RowRange;
  readonly row: number;
  readonly entry: Buffer;
  readonly timer: TimerName | null;
  /** The entry's value where it is the one that the row tells of. */
  readonly value: Buffer | null;
}

async function entriesOf(
  node: TimerNode,
  state: TaskState,
  rows: readonly RowRange[],
): Promise<FoundFired[]> {
  const table = new KeyTable();
  const asked = rows.flatMap((range) =>
    Array.from({ length: range.to - range.from }, (_, index) => {
      const row = range.from + index;
      const timer = decodeFiring(range.columns.value(row), range.columns.key(row));
      const isRead = timer !== null && isKnown(node, timer);
      const entry = isRead ? encodeTimerKey(timer) : Buffer.alloc(0);
      return {
        range,
        row,
        entry,
        timer: isRead ? timer : null,
        slot: table.add(entry, 0, entry.length),
      };
    }),
  );
  const values = valuesOf(await state.read(node.store, table.keys(), "head"));
  return asked.map(({ slot, ...rest }) => {
    const value = values[slot] ?? null;
    const { row, range } = rest;
    const isSame = value !== null && decodeTimer(value).firedAtMs === range.columns.timestamps[row];
    return { ...rest, value: isSame ? value : null };
  });
}

/** What becomes of an entry that is handled: a timer is gone, a punctuation waits for its next time. */
function handled(node: TimerNode, { key, name, clock }: TimerName, value: Buffer): Buffer | null {
  if (key !== null) return null;
  const { timeMs, firedAtMs } = decodeTimer(value);
  const { intervalMs = 1 } = punctuatorOf(node, name.toString(), clock) ?? {};
  const next = nextPunctuation(timeMs, intervalMs, firedAtMs ?? timeMs);
  return encodeTimer({ timeMs: next, firedAtMs: null });
}

function isKnown(node: TimerNode, { key, name, clock }: TimerName): boolean {
  if (key !== null) return node.hasTimers;
  return punctuatorOf(node, name.toString(), clock) !== undefined;
}

function punctuatorOf({ punctuators }: TimerNode, name: string, clock: TimerName["clock"]) {
  return punctuators.find((each) => each.name === name && each.clock === clock);
}
