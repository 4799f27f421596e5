import { countOf } from "../model/changes.ts";
import type { Program } from "../model/topology.ts";
import type { StoreChanges, TaskState } from "../ports/store.ts";
import type { Ledger } from "../tasks/ledger.ts";
import { type Batch, idleBatch } from "./batch.ts";
import { NOTHING_TAKEN } from "./input-queue.ts";
import { ttlOf } from "./time-to-live.ts";

/** Entries that one cut deletes, beside two for each that was used since: so that it always catches up. */
const EXPIRED_MAX = 1_000;

interface Expiring {
  readonly store: number;
  readonly retentionMs: number;
  /**
   * Its entries can be written again and live on: they are looked for only while nothing is under way, so
   * that what was found is not written before it is deleted.
   */
  readonly isRewritten: boolean;
}

/** Stream time of the stores that have their own, behind all that is planned; null for the others. */
export interface Clocks {
  timeOf(store: number, until: null): number | null;
}

/**
 * Deletes what has expired by stream time from the windowed stores of a task, a portion for each commit:
 * as a batch of its own without records, so that it has a place in the order, and the cut that takes it
 * writes tombstones and deletes in one with everything else.
 */
export class Expiry {
  readonly #stores: readonly Expiring[];
  readonly #hasRewritten: boolean;
  /** Whether something may have expired since it was last looked for. */
  #isDue = true;
  #planned: Batch | null = null;
  /** The last portion was full, or stream time has moved since it was found. */
  #hasMore = true;
  /** By store among those that expire. */
  #lookedAtMs: readonly number[] = [];
  #used = 0;

  constructor({ stores }: Program) {
    this.#stores = stores.flatMap(({ retentionMs }, store) => {
      const isRewritten = ttlOf(stores[store]) !== null;
      return retentionMs === undefined ? [] : [{ store, retentionMs, isRewritten }];
    });
    this.#hasRewritten = this.#stores.some(({ isRewritten }) => isRewritten);
  }

  isDueAt(streamTimeMs: number, { unfinished }: Ledger<Batch>, clocks: Clocks): boolean {
    if (!this.#isDue || this.#stores.length === 0) return false;
    if (unfinished > 0 && this.#hasRewritten) return false;
    if (this.#hasMore) return true;
    return this.#stores.some(({ store }, at) => {
      return (clocks.timeOf(store, null) ?? streamTimeMs) > (this.#lookedAtMs[at] as number);
    });
  }

  /** A batch is final: so many entries it may leave behind. */
  used(batch: Batch): void {
    if (batch.taken === NOTHING_TAKEN) return;
    for (const changes of batch.changes) this.#used += countOf(changes);
    // What came too late may be gone as soon as it is written, though stream time stays.
    this.#hasMore ||= batch.changes.length > 0 && this.#hasRewritten;
  }

  /** A commit took effect; looks again once the last portion is no longer on its way. */
  committed(ledger: Ledger<Batch>): void {
    if (ledger.entries.some(({ item }) => item === this.#planned)) return;
    this.#planned = null;
    this.#isDue = true;
  }

  /** What has expired, as a batch; null where nothing has. Of windows only what is committed is looked at. */
  async find(state: TaskState, streamTimeMs: number, clocks: Clocks): Promise<Batch | null> {
    this.#isDue = false;
    const times = this.#stores.map(({ store }) => clocks.timeOf(store, null) ?? streamTimeMs);
    this.#lookedAtMs = times;
    this.#hasMore = false;
    const entriesMax = EXPIRED_MAX + 2 * this.#used;
    this.#used = 0;
    const changes: StoreChanges[] = [];
    for (const [at, { store, retentionMs, isRewritten }] of this.#stores.entries()) {
      const now = times[at] as number;
      // No row has come as far.
      if (now === Number.NEGATIVE_INFINITY) continue;
      const timeMs = now - retentionMs;
      const found = isRewritten
        ? await dueDeletes(state, store, timeMs, entriesMax)
        : { deletes: await state.expired(store, timeMs, entriesMax), more: false };
      const count = countOf(found.deletes);
      this.#hasMore ||= found.more || count >= entriesMax;
      if (count > 0) changes.push(found.deletes);
    }
    if (changes.length === 0) return null;
    return { ...idleBatch(NOTHING_TAKEN, streamTimeMs, {}), changes };
  }

  /** The batch that was found has its place; null where it was not wanted, to be found again. */
  placed(batch: Batch | null): void {
    this.#planned = batch;
    this.#hasMore ||= batch === null;
    this.#isDue = batch === null;
  }
}

async function dueDeletes(
  state: TaskState,
  store: number,
  timeMs: number,
  entriesMax: number,
): Promise<{ readonly deletes: StoreChanges; readonly more: boolean }> {
  const { keys, more } = await state.due(store, timeMs, entriesMax);
  return { deletes: { store, keys, values: keys.map(() => null) }, more };
}
