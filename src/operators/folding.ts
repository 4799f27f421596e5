import { readLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Applied } from "./aggregate.ts";
import { Derived, type SlotKeys } from "./derived.ts";
import type { KeyRows } from "./key-rows.ts";
import type { SlidingPlan } from "./sliding.ts";
import { COPY, EXTEND, FOLD, START } from "./sliding-steps.ts";
import { stamped, unstamped } from "./stamps.ts";

/** `| int64 start | int32 sequence number`, behind the key. */
const SUFFIX_BYTES = 12;

/**
 * What the application folds of sliding windows: a slot of its own for each window that a row is folded into,
 * with what it is folded into. A row reads nothing that another one of these rows has written.
 */
export interface Folds {
  /** The slots of the rows: ascending, each once. */
  readonly slots: Int32Array;
  readonly slotCounts: Int32Array;
  /** Without their time; null where the window begins with the row. */
  readonly values: readonly (Buffer | null)[];
  readonly windowStarts: Float64Array;
  /** The store's key of each slot: two may have the same. */
  readonly keys: SlotKeys;
}

/** How many rows, from the first on, are of a key each: what a second one finds is up to the first. */
export function rowsOfDistinctKeys({ keyOfRow, keys }: KeyRows): number {
  const isKnown = new Uint8Array(keys.count);
  for (let row = 0; row < keyOfRow.length; row++) {
    const key = keyOfRow[row] as number;
    if (key < 0) continue;
    if (isKnown[key] === 1) return row;
    isKnown[key] = 1;
  }
  return keyOfRow.length;
}

/** The plan of rows of distinct keys, as an application can carry it out. */
export function planFolds({ steps, stepCounts, found }: SlidingPlan, keys: SlotKeys): Folds {
  const values: (Buffer | null)[] = [];
  const positions: number[] = [];
  const starts: number[] = [];
  const slotCounts = new Int32Array(stepCounts.length);
  let next = 0;
  for (let row = 0; row < stepCounts.length; row++) {
    const end = next + (stepCounts[row] as number);
    for (; next < end; next++) {
      const kind = steps.kinds[next] as number;
      if (!isFold(kind)) continue;
      const slot = steps.slots[next] as number;
      const from = kind === EXTEND ? (steps.sources[next] as number) : slot;
      values.push(kind === START ? null : unstamped(found[from] ?? null));
      const [position, length] = [keys.positions[slot * 2], keys.positions[slot * 2 + 1]];
      positions.push(position as number, length as number);
      starts.push(readLong(keys.bytes, (position as number) + (length as number) - SUFFIX_BYTES));
      slotCounts[row] = (slotCounts[row] as number) + 1;
    }
  }
  const { length } = values;
  return {
    slots: Int32Array.from({ length }, (_, slot) => slot),
    slotCounts,
    values,
    windowStarts: Float64Array.from(starts),
    keys: { count: length, positions: Int32Array.from(positions), bytes: keys.bytes },
  };
}

/**
 * What comes of it when the application has folded. `folded` holds its value by slot, null for a window that
 * ends with it; a row without any was none to it, and leaves nothing behind.
 */
export function applyFolds(
  rows: readonly RowRange[],
  { steps, stepCounts, found }: SlidingPlan,
  keys: SlotKeys,
  { slotCounts }: Pick<Folds, "slotCounts">,
  folded: readonly (Buffer | null | undefined)[],
  store: number,
): Applied {
  const held = new Held(found);
  const derived = new Derived(rows, keys, "window", bytesOf(folded, found), 1);
  let row = 0;
  let next = 0;
  let slotOfFold = 0;
  for (const range of rows) {
    const { from, to } = range;
    derived.startRange(range);
    for (let index = from; index < to; index++, row++) {
      const end = next + (stepCounts[row] as number);
      if (next === end) continue;
      derived.startRow(range, index);
      const isNone = (slotCounts[row] as number) > 0 && folded[slotOfFold] === undefined;
      for (; next < end; next++) {
        const kind = steps.kinds[next] as number;
        const slot = steps.slots[next] as number;
        const time = steps.times[next] as number;
        const value = isFold(kind) ? (folded[slotOfFold++] ?? null) : null;
        if (isNone) continue;
        if (kind === COPY) held.copy(slot, steps.sources[next] as number, time);
        else if (isFold(kind)) held.put(slot, value, time);
        if (kind !== COPY) derived.appendBytes(range, index, slot, held.valueOf(slot), time);
      }
    }
    derived.endRange(range);
  }
  return { rows: derived.ranges, changes: { store, ...held.changes(keys) } };
}

function isFold(kind: number): boolean {
  return kind === FOLD || kind === START || kind === EXTEND;
}

/** Bytes of all values that rows can be derived with: one for each fold, and a copy for each found one. */
function bytesOf(
  folded: readonly (Buffer | null | undefined)[],
  found: readonly (Buffer | null)[],
): number {
  let bytes = 0;
  for (const value of folded) bytes += value?.length ?? 0;
  for (const value of found) bytes += value?.length ?? 0;
  return bytes;
}

/** The windows' values as rows change them. */
class Held {
  readonly #found: readonly (Buffer | null)[];
  readonly #values: (Buffer | null)[];
  readonly #times: number[] = [];
  readonly #isWritten: boolean[] = [];

  constructor(found: readonly (Buffer | null)[]) {
    this.#found = found;
    this.#values = found.map(unstamped);
  }

  valueOf(slot: number): Buffer | null {
    return this.#values[slot] ?? null;
  }

  put(slot: number, value: Buffer | null, time: number): void {
    this.#values[slot] = value;
    this.#times[slot] = time;
    this.#isWritten[slot] = true;
  }

  copy(slot: number, from: number, time: number): void {
    this.put(slot, this.valueOf(from), time);
  }

  /** The last value of each window, with its time before it. */
  changes({ positions, bytes }: SlotKeys): { keys: Buffer[]; values: (Buffer | null)[] } {
    const keys: Buffer[] = [];
    const values: (Buffer | null)[] = [];
    for (let slot = 0; slot < this.#isWritten.length; slot++) {
      const value = this.valueOf(slot);
      // What came and went with these rows was never there.
      if (this.#isWritten[slot] !== true || (value === null && !this.#found[slot])) continue;
      const position = positions[slot * 2] as number;
      keys.push(bytes.subarray(position, position + (positions[slot * 2 + 1] as number)));
      values.push(value === null ? null : stamped(value, this.#times[slot] as number));
    }
    return { keys, values };
  }
}
