import { STAMP_BYTES } from "../model/entry-time.ts";
import { readLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { StoreSpec } from "../model/topology.ts";
import { type ValueColumns, valueAt } from "../model/value-columns.ts";
import type { SlotPlan } from "../operators/windows.ts";
import type { KeyRange, PageLimits, RangePage, StoreChanges, TaskState } from "../ports/store.ts";
import type { Batch } from "./batch.ts";
import type { RowClock } from "./run-operator.ts";

/** How long entries of a timestamped key-value store live by stream time, in ms; null: for ever. */
export function ttlOf(spec: StoreSpec | undefined): number | null {
  return spec?.kind === "keyValue" ? (spec.retentionMs ?? null) : null;
}

/** Whether the entry is gone at this stream time, deleted or not. */
export function isGone(value: Buffer, ttlMs: number, streamTimeMs: number): boolean {
  return value.length >= STAMP_BYTES && readLong(value, 0) + ttlMs <= streamTimeMs;
}

/** What a batch that asks sees: the stream time as of its first record. */
export function askedAt({ taken, streamTimeBeforeMs, isOfTimers }: Batch): number {
  const { input } = taken;
  if (isOfTimers) return streamTimeBeforeMs;
  return Math.max(streamTimeBeforeMs, input.columns.timestamps[input.from] ?? streamTimeBeforeMs);
}

/**
 * Takes away what is gone at the first row of each slot. False where what a slot has, or may have been given
 * by a row of the batch under its time, is gone for a later one, and the batch can be smaller.
 */
export function hideGone(
  found: ValueColumns,
  { slots, slotCounts }: SlotPlan,
  rows: readonly RowRange[],
  ttlMs: number,
  { streamTimeMs, times, mayGo }: RowClock,
): boolean {
  const oldest = new Float64Array(found.count).fill(Number.POSITIVE_INFINITY);
  const isSeen = new Uint8Array(found.count);
  let time = streamTimeMs;
  let row = 0;
  let at = 0;
  for (const { columns, from, to } of rows) {
    for (let index = from; index < to; index++, row++) {
      const timestamp = columns.timestamps[index] as number;
      time = times === null ? Math.max(time, timestamp) : (times[row] as number);
      if (slotCounts !== null && slotCounts[row] === 0) continue;
      const slot = slots[at++] as number;
      const value = valueAt(found, slot);
      if (isSeen[slot] === 0) {
        isSeen[slot] = 1;
        if (value === null) oldest[slot] = timestamp;
        else if (isGone(value, ttlMs, time)) found.positions[slot * 2 + 1] = -1;
        else oldest[slot] = readLong(value, 0);
      } else if (mayGo === true && (oldest[slot] as number) + ttlMs <= time) return false;
      oldest[slot] = Math.min(oldest[slot] as number, timestamp);
    }
  }
  return true;
}

/** A page of a range without what is gone; one that is empty is the last. */
export async function liveRange(
  state: TaskState,
  store: number,
  range: KeyRange,
  written: Pick<StoreChanges, "keys" | "values">,
  limits: PageLimits,
  streamTimeMs: number,
): Promise<RangePage> {
  const ttlMs = ttlOf(state.stores[store]);
  for (let rest = range; ; ) {
    const page = await state.range(store, rest, written, limits);
    if (ttlMs === null) return page;
    const isLive = page.values.map((value) => !isGone(value, ttlMs, streamTimeMs));
    const last = page.keys.at(-1);
    const isEmpty = !isLive.includes(true);
    // Where an answer has no key nobody knows where to go on.
    if (!isEmpty || !page.more || last === undefined) {
      return {
        keys: page.keys.filter((_, index) => isLive[index]),
        values: page.values.filter((_, index) => isLive[index]),
        more: page.more && !isEmpty,
      };
    }
    rest = rest.reverse ? { ...rest, to: last } : { ...rest, from: Buffer.concat([last, AFTER]) };
  }
}

/** Behind a key comes, first of all, the key with a zero byte. */
const AFTER = Buffer.from([0]);
