import { OutriggerError } from "../errors/outrigger-error.ts";
import { BUFFER_SUFFIX_BYTES } from "../model/entry-time.ts";
import { KeyTable, readLong } from "../model/key-table.ts";
import type { RowRange } from "../model/rows.ts";
import type { Suppress } from "../model/topology.ts";
import { valuesOf } from "../model/value-columns.ts";
import { heldBytes, readHeld } from "../operators/buffer-entry.ts";
import { type Moving, timeOfKey } from "../operators/closing.ts";
import { inBuffer } from "../operators/key-order.ts";
import {
  bufferKey,
  decodeFilling,
  FILLING_KEY,
  type Filling,
  Suppressing,
} from "../operators/suppress.ts";
import { headersOfRow, valueOfRow, Waiting } from "../operators/waiting.ts";
import type { KeySet, PageLimits, RangePage, StoreChanges, TaskState } from "../ports/store.ts";

/** What is due of one batch, before smaller batches are taken. */
export const DUE_MAX: PageLimits = { entriesMax: 65_536, bytesMax: 16 * 1024 * 1024 };
export const ALL: PageLimits = {
  entriesMax: Number.MAX_SAFE_INTEGER,
  bytesMax: Number.POSITIVE_INFINITY,
};
/** The filling stands behind all others. */
const LATEST_MS = Number.MAX_SAFE_INTEGER - 1;
const BEFORE_ALL_MS = -1;

/** What stream time does, and whether fewer records could be taken. */
export interface Passing extends Moving {
  readonly canBeLess: boolean;
  /** Entries that are due may have been left by another run of the application, with other delays. */
  readonly mayFindOld: boolean;
}

/** What a suppress forwarded, and what it changed. */
export interface RanSuppress {
  readonly rows: readonly RowRange[];
  readonly changes: StoreChanges;
}

/**
 * Takes rows through a buffer, and out of it what is due at the batch's records. Writes nothing. Null where
 * so much is due that fewer records are to be taken. Throws SUPPRESS_BUFFER_FULL where its limit says so.
 */
export async function runSuppress(
  suppress: Suppress,
  state: TaskState,
  rows: readonly RowRange[],
  passing: Passing,
): Promise<RanSuppress | null> {
  const { beforeMs, afterMs, canBeLess, mayFindOld } = passing;
  const waiting = new Waiting(rows, inBuffer);
  const arriving = arrivingIn(suppress, rows, waiting);
  const { filling, known } = await readKnown(suppress, state, waiting, arriving);
  const fromMs = mayFindOld ? BEFORE_ALL_MS : Math.max(BEFORE_ALL_MS, beforeMs - suppress.delayMs);
  const limits = canBeLess ? DUE_MAX : ALL;
  const due = await state.between(suppress.store, fromMs, afterMs - suppress.delayMs, limits);
  if (due.more && canBeLess) return null;
  const early = await readEarly(suppress, state, filling, arriving);
  const suppressing = new Suppressing(suppress, rows, waiting, filling);
  for (const page of [known, due, ...early]) addStored(suppress, waiting, suppressing, page);
  const ran = suppressing.run(passing);
  if (!("full" in ran)) return ran;
  // So that it stops in front of the record that has no room.
  if (canBeLess) return null;
  throw fullError(suppress, ran.full);
}

/** What the rows can add to the buffer at most. */
interface Arriving extends Filling {
  /** The time of each slot's entry, where the key says it. */
  readonly times: readonly number[] | null;
}

function arrivingIn({ windows }: Suppress, rows: readonly RowRange[], waiting: Waiting): Arriving {
  const times: number[] = [];
  let [records, bytes] = [0, 0];
  for (const range of rows) {
    for (let index = range.from; index < range.to; index++) {
      const slot = waiting.slotOfRow(range, index);
      const key = waiting.keyOf(slot);
      if (windows !== null) times[slot] = Math.max(0, timeOfKey(key, windows));
      records += 1;
      const value = valueOfRow(range, index);
      bytes += key.length + BUFFER_SUFFIX_BYTES + heldBytes(value, headersOfRow(range, index));
    }
  }
  return { records, bytes, times: windows === null ? null : times };
}

type Page = Pick<RangePage, "keys" | "values">;

/** What the buffer has of the keys that arrive: by key where it says the time, else by key and any time. */
async function readKnown(
  { store }: Suppress,
  state: TaskState,
  waiting: Waiting,
  { times }: Arriving,
): Promise<{ readonly filling: Filling; readonly known: Page }> {
  const wanted = new KeyTable();
  wanted.add(FILLING_KEY, 0, FILLING_KEY.length);
  const entries: Buffer[] = [];
  for (let slot = 0; times !== null && slot < waiting.slots; slot++) {
    const key = bufferKey(waiting, slot, times[slot] ?? 0);
    entries.push(key);
    wanted.add(key, 0, key.length);
  }
  const [filling = null, ...values] = valuesOf(await state.read(store, wanted.keys(), "head"));
  const found = { filling: decodeFilling(filling) };
  if (times === null) return { ...found, known: await readByKey(store, state, waiting) };
  const kept = entries.flatMap((key, slot) => {
    const value = values[slot] ?? null;
    return value === null ? [] : [{ key, value }];
  });
  const known = { keys: kept.map(({ key }) => key), values: kept.map(({ value }) => value) };
  return { ...found, known };
}

async function readByKey(store: number, state: TaskState, waiting: Waiting): Promise<Page> {
  const keys: KeySet = waiting.keys();
  const from = new Float64Array(keys.count);
  const to = new Float64Array(keys.count).fill(LATEST_MS);
  const bytesMax = Number.POSITIVE_INFINITY;
  const found = (await state.times(store, { keys, from, to }, "head", bytesMax)) ?? [];
  return { keys: found.flatMap((each) => each.keys), values: found.flatMap((each) => each.values) };
}

/** The first entries, as many as may have to go so that what arrives has room. */
async function readEarly(
  { store, buffer }: Suppress,
  state: TaskState,
  { records, bytes }: Filling,
  arriving: Filling,
): Promise<Page[]> {
  if (buffer.whenFull !== "emitEarly") return [];
  const pages: Page[] = [];
  const { maxRecords = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = buffer;
  const excess = records + arriving.records - maxRecords;
  if (excess > 0) {
    const limits = { ...ALL, entriesMax: excess };
    pages.push(await state.between(store, BEFORE_ALL_MS, LATEST_MS, limits));
  }
  const excessBytes = bytes + arriving.bytes - maxBytes;
  if (excessBytes > 0) {
    const limits = { ...ALL, bytesMax: excessBytes };
    pages.push(await state.between(store, BEFORE_ALL_MS, LATEST_MS, limits));
  }
  return pages;
}

function addStored(
  { node }: Suppress,
  waiting: Waiting,
  suppressing: Suppressing,
  { keys, values }: Page,
): void {
  for (const [at, key] of keys.entries()) {
    const length = key.length - BUFFER_SUFFIX_BYTES;
    const slot = waiting.slotOf(key, 0, length);
    suppressing.addStored(slot, readLong(key, length), readHeld(values[at] as Buffer, node));
  }
}

function fullError({ node, buffer }: Suppress, { records, bytes }: Filling): OutriggerError {
  const { maxRecords, maxBytes } = buffer;
  return new OutriggerError(
    "SUPPRESS_BUFFER_FULL",
    `the buffer of node "${node}" would hold ${records} records of ${bytes} bytes, and may hold ` +
      `${maxRecords ?? "any number of"} records and ${maxBytes ?? "any number of"} bytes: raise its ` +
      "limits, or let it emit early when it is full",
  );
}
