import type { BatchState } from "./batch-state.ts";
import type { Emitter } from "./emitter.ts";
import { isPromise } from "./process-context.ts";
import type { ForwardedRecord, StreamRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import type { Windowed } from "./windowed.ts";
import { lengthMs, type Windows } from "./windows.ts";

/** How an aggregate of the application folds: `undefined` is a value that is not there yet. */
export interface Fold<A> {
  readonly store: string;
  readonly windows: Windows | null;
  readonly serde: Serde<A>;
  readonly next: (record: StreamRecord, before: A | undefined) => A;
  /** Of sessions alone: what becomes of what was folded so far and a session that it swallows. */
  readonly merge: ((key: unknown, before: A | undefined, session: A) => A) | null;
}

/** Folds a record into each of its slots, and forwards each new value. */
export function foldRecord<A>(
  record: StreamRecord,
  emitter: Emitter,
  fold: Fold<A>,
): void | Promise<void> {
  // As Kafka Streams: without windows, and in sliding ones, a null value is no news.
  if (record.value === null && skipsNull(fold.windows)) return;
  const state = emitter.state(fold.store);
  if (fold.merge === null) return intoEach(state, 0, record, emitter, fold);
  const count = state.slotCount(emitter.row);
  const slots = Array.from({ length: count }, (_, index) => state.slotAt(emitter.row, index));
  return count === 0 ? undefined : intoSession(state, slots, record, emitter, fold);
}

function skipsNull(windows: Windows | null): boolean {
  return windows === null || windows.kind === "sliding";
}

function intoEach<A>(
  state: BatchState,
  first: number,
  record: StreamRecord,
  emitter: Emitter,
  fold: Fold<A>,
): void | Promise<void> {
  const { row } = emitter;
  const count = state.slotCount(row);
  for (let index = first; index < count; index++) {
    const slot = state.slotAt(row, index);
    const value = fold.next(record, valueAt(state, slot, fold)) ?? null;
    const bytes = put(state, slot, fold, value);
    const key = keyOf(record, state, slot, fold);
    const pending =
      bytes === null
        ? emitter.become(record, key, value)
        : emitter.become(record, key, value, fold.serde as Serde<unknown>, bytes);
    if (!isPromise(pending)) continue;
    return emitter.resume(pending, () => intoEach(state, index + 1, record, emitter, fold));
  }
}

/** All but the last slot are sessions that end here: the one that the record is in swallows them. */
function intoSession<A>(
  state: BatchState,
  slots: readonly number[],
  record: StreamRecord,
  emitter: Emitter,
  fold: Fold<A>,
): void | Promise<void> {
  const last = slots.length - 1;
  const changed: ForwardedRecord<unknown, unknown>[] = [];
  let folded: A | undefined;
  for (const [index, slot] of slots.entries()) {
    const session = valueAt(state, slot, fold);
    if (session !== undefined) folded = fold.merge?.(record.key, folded, session);
    if (session === undefined || index === last) continue;
    state.putSlot(slot, null);
    changed.push(asOfSession(keyOf(record, state, slot, fold), null));
  }
  const slot = slots[last] ?? 0;
  const value = fold.next(record, folded) ?? null;
  put(state, slot, fold, value);
  changed.push(asOfSession(keyOf(record, state, slot, fold), value));
  return emitter.forwardEach(record, changed);
}

/** As Kafka Streams: at the session's end, and without the headers of any of its records. */
function asOfSession(key: unknown, value: unknown): ForwardedRecord<unknown, unknown> {
  const { window } = key as Windowed<unknown>;
  return { key, value, timestamp: window.end, headers: [] };
}

function valueAt<A>(state: BatchState, slot: number, { serde }: Fold<A>): A | undefined {
  const bytes = state.getSlot(slot);
  return bytes === null ? undefined : serde.deserialize(bytes);
}

/** Returns what the store has now. As Kafka Streams: null is no value. */
function put<A>(
  state: BatchState,
  slot: number,
  { serde }: Fold<A>,
  value: A | null,
): Uint8Array | null {
  const bytes = value === null ? null : serde.serialize(value);
  state.putSlot(slot, bytes);
  return bytes;
}

function keyOf<A>(
  { key }: StreamRecord,
  state: BatchState,
  slot: number,
  { windows }: Fold<A>,
): unknown {
  if (windows === null) return key;
  const start = state.windowStart(slot);
  const length = windows.kind === "session" ? state.sessionLength(slot) : lengthMs(windows);
  return { key, window: { start, end: start + length } };
}
