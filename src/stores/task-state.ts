import { invariant } from "../errors/invariant.ts";
import { asError } from "../errors/outrigger-error.ts";
import { columnsOf, type StoreChanges } from "../model/changes.ts";
import type { StoreSpec } from "../model/topology.ts";
import { type ValueColumns, ValueColumnsBuilder } from "../model/value-columns.ts";
import type {
  DueEntries,
  KeyEntries,
  KeyRange,
  KeySet,
  KeyTimes,
  PageLimits,
  RangePage,
  StateCut,
  StoreMarks,
  StorePosition,
  TaskState,
  WaitingTimers,
} from "../ports/store.ts";
import type { Database, DatabaseOptions, Entry, EntryColumns } from "./database.ts";
import { dueEntries } from "./due-entries.ts";
import { entriesBetween } from "./entries-between.ts";
import { expiredEntries } from "./expired-entries.ts";
import { loadFilters, saveFilters } from "./kept-filters.ts";
import type { KeyFilter } from "./key-filter.ts";
import { entriesOfKey, suffixBytesOf } from "./key-times.ts";
import * as layout from "./layout.ts";
import { mergedMarks, NO_MARKS } from "./marks.ts";
import { memoryOf } from "./memory-of.ts";
import { changesWithin, mergePage } from "./merged-range.ts";
import { type Index, type Opened, openDatabase } from "./open-database.ts";
import { Overlay } from "./overlay.ts";
import { StateTable } from "./state-table.ts";
import type { StoreMemory } from "./store-memory.ts";
import { TimeIndex } from "./time-index.ts";
import { TimerIndex } from "./timer-index.ts";
import { empty } from "./trust.ts";
import { ValueTimeIndex } from "./value-times.ts";
import { isSecondOver, isTooMuch } from "./write-due.ts";

/** Keys whose entries are scanned for at a time: more is no faster (docs/adr/0017). */
const KEYS_AT_ONCE = 32;

/** What a store keeps for the sake of reads where nobody says how much. */
const CACHE_BYTES = 1024 * 1024;

/** What is to be written; `table` where it is of what a table has committed, which knows what is indexed. */
interface Unwritten {
  readonly change: StoreChanges;
  readonly table: StateTable | null;
}

/** The state of one task over one RocksDB; see the port for what each call promises. */
export class RocksTaskState implements TaskState {
  readonly stores: readonly StoreSpec[];
  readonly #path: string;
  readonly #options: DatabaseOptions;
  readonly #memories: readonly StoreMemory[];
  /** Where in each second this one writes: tasks that all commit together take turns. */
  readonly #phaseMs: number;
  #indexes: readonly Index[];
  #database: Database;
  #prefixes: readonly number[];
  /** As of the last commit; and as the disk has them. */
  #marks: StoreMarks | null;
  #marksOnDisk: StoreMarks | null;
  /** When they were written, by their own wall clock. */
  #writtenAtMs: number | null = null;
  #writing: Promise<void> | null = null;
  /** Of the disk, by those that must not see it change. */
  readonly #looks = new Set<Promise<unknown>>();
  /** Why a write failed: what memory has forgotten since, nobody may ask the disk for. */
  #broken: Error | null = null;
  #cutInFlight: readonly StoreChanges[] | null = null;
  #closed = false;

  private constructor(
    stores: readonly StoreSpec[],
    path: string,
    options: DatabaseOptions,
    opened: Opened,
    cacheBytes: () => number,
    phaseMs: number,
  ) {
    this.stores = stores;
    this.#phaseMs = phaseMs;
    this.#path = path;
    this.#options = options;
    this.#memories = stores.map((spec, store) => {
      const isEmpty = opened.marks?.positions.has(store) !== true;
      return memoryOf(spec, store, cacheBytes, { isEmpty, lastTimeMs: opened.lastTimes[store] });
    });
    this.#database = opened.database;
    this.#prefixes = opened.prefixes;
    this.#indexes = opened.indexes;
    this.#marks = opened.marks;
    this.#marksOnDisk = opened.marks;
  }

  /**
   * `cacheBytes` says what each store may keep in memory for the sake of reads, `phaseMs` at which part of
   * each second the disk is written.
   */
  static async open(
    path: string,
    stores: readonly StoreSpec[],
    options: DatabaseOptions,
    cacheBytes: () => number = () => CACHE_BYTES,
    phaseMs = 0,
  ): Promise<RocksTaskState> {
    const opened = await openDatabase(path, stores, options);
    const state = new RocksTaskState(stores, path, options, opened, cacheBytes, phaseMs);
    const { database, prefixes, marksBytes } = opened;
    try {
      if (marksBytes !== null) await loadFilters(database, prefixes, state.#filters, marksBytes);
    } catch (error: unknown) {
      await database.close().catch(() => {});
      throw error;
    }
    return state;
  }

  marks(): StoreMarks | null {
    return this.#marks;
  }

  async read(store: number, keys: KeySet, view: "staged" | "head"): Promise<ValueColumns> {
    this.#refuseBroken();
    const memory = this.#memory(store);
    const into = new ValueColumnsBuilder(keys.count);
    const missing = memory.read(keys, view, into);
    if (missing.length === 0) return into;
    const prefix = this.#prefix(store);
    const wanted = missing.map((slot) => {
      const position = keys.positions[slot * 2] as number;
      const end = position + (keys.positions[slot * 2 + 1] as number);
      return layout.storeKey(prefix, keys.bytes.subarray(position, end));
    });
    const { writes } = memory;
    const read = await this.#database.getMany(wanted);
    for (let i = 0; i < missing.length; i++) {
      const value = read[i] ?? null;
      if (value !== null) into.set(missing[i] as number, value, 0, value.length);
    }
    memory.remember(keys, missing, read, writes);
    return into;
  }

  async range(
    store: number,
    range: KeyRange,
    written: Pick<StoreChanges, "keys" | "values">,
    limits: PageLimits,
  ): Promise<RangePage> {
    this.#refuseBroken();
    const newer = new Map(this.#memory(store).all());
    for (const [index, key] of written.keys.entries()) {
      newer.set(key.toString("latin1"), written.values[index] ?? null);
    }
    const changes = changesWithin(newer, range);
    const bounds = layout.storeRange(this.#prefix(store), range);
    if (bounds.from.compare(bounds.to) >= 0) return { keys: [], values: [], more: false };
    const { entries, more } = await this.#database.scan(
      { ...bounds, reverse: range.reverse },
      limits,
      (key) => newer.has(key.toString("latin1", layout.PREFIX_BYTES)),
    );
    const own = entries.map(([key, value]) => [key.subarray(layout.PREFIX_BYTES), value] as const);
    return mergePage({ entries: own, more }, changes, range.reverse, limits);
  }

  async times(
    store: number,
    { keys, from, to }: KeyTimes,
    view: "staged" | "head",
    bytesMax: number,
  ): Promise<KeyEntries[] | null> {
    this.#refuseBroken();
    const overlay = this.#overlay(store);
    const spec = this.stores[store];
    invariant(spec?.isRanged === true, `store ${store} is not looked for by key and time`);
    const suffixBytes = suffixBytesOf(spec);
    const prefix = this.#prefix(store);
    // All at once and before anything is awaited: what a commit moves to the disk meanwhile is hidden there.
    const asked = Array.from({ length: keys.count }, (_, slot) => {
      const position = keys.positions[slot * 2] ?? 0;
      const end = position + (keys.positions[slot * 2 + 1] ?? 0);
      const key = keys.bytes.subarray(position, end);
      const newer = new Map(overlay.ofKey(key.toString("latin1"), view));
      return { key, from: from[slot] ?? 0, to: to[slot] ?? 0, suffixBytes, newer };
    });
    const found: KeyEntries[] = [];
    let bytes = 0;
    for (let at = 0; at < asked.length; at += KEYS_AT_ONCE) {
      const scans = asked.slice(at, at + KEYS_AT_ONCE).map((wanted) => {
        return entriesOfKey(this.#database, prefix, wanted, wanted.newer);
      });
      for (const entries of await Promise.all(scans)) {
        found.push(entries);
        for (const value of entries.values) bytes += value.length;
      }
      if (bytes > bytesMax && keys.count > 1) return null;
    }
    return found;
  }

  async expired(store: number, timeMs: number, entriesMax: number): Promise<StoreChanges> {
    this.#refuseBroken();
    const index = this.#indexes[store] ?? null;
    invariant(index instanceof TimeIndex, `store ${store} has no windows with a retention`);
    const expiring = { store, database: this.#database, index, memory: this.#memory(store) };
    return await expiredEntries(expiring, timeMs, entriesMax, (look) => this.#whileStill(look));
  }

  async due(store: number, timeMs: number, entriesMax: number): Promise<DueEntries> {
    this.#refuseBroken();
    const index = this.#indexes[store] ?? null;
    invariant(index instanceof ValueTimeIndex, `store ${store} has no times in its values`);
    const overlay = this.#overlay(store);
    const due = { database: this.#database, prefix: this.#prefix(store), index, overlay };
    return await dueEntries(due, timeMs, entriesMax);
  }

  async dueTimers(
    store: number,
    clock: number,
    timeMs: number,
    entriesMax: number,
  ): Promise<WaitingTimers> {
    this.#refuseBroken();
    invariant(this.stores[store]?.isOfTimers === true, `store ${store} holds no timers`);
    const index = new TimerIndex(this.#prefix(store));
    const newer = new Map(this.#memory(store).all());
    return await index.due(this.#database, clock, timeMs, entriesMax, newer);
  }

  async between(
    store: number,
    afterMs: number,
    upToMs: number,
    limits: PageLimits,
  ): Promise<RangePage> {
    this.#refuseBroken();
    const index = this.#indexes[store] ?? null;
    const spec = this.stores[store];
    invariant(index instanceof TimeIndex && spec?.isTimed === true, `store ${store} has no times`);
    // Before anything is awaited: what a commit moves to the disk meanwhile is hidden there.
    const newer = this.#overlay(store).ofTimes(afterMs, upToMs);
    const timed = { database: this.#database, index, prefix: this.#prefix(store), kind: spec.kind };
    return await entriesBetween(timed, { afterMs, upToMs }, newer, limits);
  }

  advance(changes: StoreChanges): void {
    this.#memory(changes.store).advance(changes);
  }

  stage(changes: StoreChanges): void {
    this.#memory(changes.store).stage(changes);
  }

  resetHead(): void {
    for (const memory of this.#memories) memory.resetHead();
  }

  get stagedBytes(): number {
    let bytes = 0;
    for (const memory of this.#memories) bytes += memory.stagedBytes;
    return bytes;
  }

  cut(): StateCut {
    invariant(this.#cutInFlight === null, "a task has at most one cut in flight");
    const bytes = this.stagedBytes;
    const changes: StoreChanges[] = [];
    for (const memory of this.#memories) {
      const taken = memory.cut();
      if (taken !== null) changes.push(taken);
    }
    this.#cutInFlight = changes;
    return { changes, bytes };
  }

  async commit(marks: StoreMarks): Promise<void> {
    const cut = this.#cutInFlight;
    invariant(cut !== null, "a commit follows a cut");
    // What comes meanwhile must not pass for written.
    while (this.#writing !== null) await this.#writing.catch(() => {});
    this.#refuseBroken();
    // Dropped while it waited: it is restored from the changelog.
    if (this.#cutInFlight !== cut) return;
    this.#marks = mergedMarks(this.#marks, marks);
    this.#cutInFlight = null;
    for (const memory of this.#memories) memory.committed();
    // Nobody waits for it but the next commit: which hears of it where it fails, as does whoever reads.
    if (this.#isWriteDue(marks.caughtUpAtMs)) this.#settle().catch(() => {});
  }

  #refuseBroken(): void {
    if (this.#broken !== null) throw this.#broken;
  }

  #isWriteDue(wallMs: number): boolean {
    // Without stores nothing was written before: the first second counts from the first commit.
    if (this.stores.length === 0) this.#writtenAtMs ??= wallMs;
    return (
      isSecondOver(this.#writtenAtMs, wallMs, this.#phaseMs) ||
      isTooMuch(this.#memories, (store) => {
        const isTimed = this.#indexes[store] instanceof ValueTimeIndex;
        return isTimed || this.stores[store]?.isOfTimers === true;
      })
    );
  }

  /** Brings the disk up to what is committed: data and marks in one batch. */
  async #settle(): Promise<void> {
    // Each time: who else has waited may have begun another write.
    while (this.#writing !== null) await this.#writing.catch(() => {});
    this.#refuseBroken();
    if (this.#marks === null || this.#marks === this.#marksOnDisk) return;
    this.#writing = this.#writeCommitted(this.#marks);
    let isOnDisk = false;
    try {
      await this.#writing;
      isOnDisk = true;
    } catch (error: unknown) {
      // What memory knows better than the disk goes: the changelog has it.
      this.#broken = asError(error);
      this.#marks = this.#marksOnDisk;
      throw error;
    } finally {
      this.#writing = null;
      for (const memory of this.#memories) memory.written(isOnDisk);
    }
  }

  async #alone(write: () => Promise<void>): Promise<void> {
    while (this.#writing !== null) await this.#writing.catch(() => {});
    this.#refuseBroken();
    this.#writing = write();
    try {
      await this.#writing;
    } finally {
      this.#writing = null;
    }
  }

  async #writeCommitted(marks: StoreMarks): Promise<void> {
    if (this.#looks.size > 0) await Promise.allSettled(this.#looks);
    const changes: Unwritten[] = [];
    for (const memory of this.#memories) {
      if (memory.unwrittenCount === 0) continue;
      const table = memory instanceof StateTable ? memory : null;
      changes.push({ change: memory.unwritten(), table });
    }
    await this.#write(changes, marks);
  }

  /**
   * Looks through the disk while nothing is written: what it says of entries, and what memory hides of them,
   * must be of one moment.
   */
  async #whileStill<T>(look: () => Promise<T>): Promise<T> {
    while (this.#writing !== null) await this.#writing.catch(() => {});
    this.#refuseBroken();
    const looking = look();
    this.#looks.add(looking);
    try {
      return await looking;
    } finally {
      this.#looks.delete(looking);
    }
  }

  restage(): void {
    this.#cutInFlight = null;
    for (const memory of this.#memories) memory.restage();
  }

  drop(): void {
    this.#cutInFlight = null;
    for (const index of this.#indexes) index?.lookAnew();
    for (const memory of this.#memories) memory.drop();
  }

  async restore(changes: StoreChanges, position: StorePosition): Promise<void> {
    // The marks on the disk speak of all stores: what is committed goes first.
    await this.#settle();
    await this.#alone(async () => {
      const before = this.#marks ?? NO_MARKS;
      const positions = new Map(before.positions).set(changes.store, position);
      const next = { ...before, positions };
      await this.#write([{ change: changes, table: null }], next);
      this.#memory(changes.store).restored(changes);
      this.#marks = next;
    });
  }

  async caughtUp(atMs: number): Promise<void> {
    await this.#settle();
    await this.#alone(async () => {
      const next = { ...(this.#marks ?? NO_MARKS), caughtUpAtMs: atMs };
      await this.#write([], next);
      this.#marks = next;
    });
  }

  async wipe(): Promise<void> {
    this.drop();
    await this.#writing?.catch(() => {});
    for (const memory of this.#memories) {
      memory.written(false);
      memory.emptied();
    }
    await this.#database.close();
    empty(this.#path);
    const opened = await openDatabase(this.#path, this.stores, this.#options);
    this.#database = opened.database;
    this.#prefixes = opened.prefixes;
    this.#indexes = opened.indexes;
    this.#marks = null;
    this.#marksOnDisk = null;
    this.#broken = null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What cannot be written here is restored from the changelog.
    await this.#settle()
      .then(() => this.#alone(() => this.#saveFilters()))
      .catch(() => {});
    await this.#database.close();
  }

  get #filters(): (KeyFilter | null)[] {
    return this.#memories.map((memory) => (memory instanceof StateTable ? memory.filter : null));
  }

  async #saveFilters(): Promise<void> {
    if (this.#marksOnDisk === null) return;
    const marks = layout.encodeMarks(this.#marksOnDisk, this.#prefixes);
    await saveFilters(this.#database, this.#prefixes, this.#filters, marks);
  }

  /** Data and marks in one batch: a store is never ahead of or behind its position. */
  async #write(changes: readonly Unwritten[], marks: StoreMarks): Promise<void> {
    const entries: Entry[] = [];
    const columns: EntryColumns[] = [];
    for (const { change, table } of changes) {
      const { store } = change;
      const prefix = this.#prefix(store);
      const index = this.#indexes[store] ?? null;
      const packed = columnsOf(change);
      const { count } = packed.keys;
      columns.push({ count, prefix, ...packed });
      const isOfTimers = this.stores[store]?.isOfTimers === true;
      if (index === null && !isOfTimers) continue;
      if (index instanceof TimeIndex && table !== null) {
        columns.push(index.columnsOf(packed, (i) => table.isIndexed(i)));
        continue;
      }
      const { keys, values } = change;
      index?.mend(entries);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        if (key !== undefined) index?.changed(key, values[i] ?? null, entries);
      }
      if (!isOfTimers) continue;
      await new TimerIndex(prefix).changed(this.#database, keys, values, entries);
    }
    entries.push([layout.MARKS_KEY, layout.encodeMarks(marks, this.#prefixes)]);
    await this.#database.write(entries, columns);
    this.#marksOnDisk = marks;
    this.#writtenAtMs = marks.caughtUpAtMs;
    for (const index of this.#indexes) index?.wrote();
  }

  #memory(store: number): StoreMemory {
    const memory = this.#memories[store];
    invariant(memory !== undefined, `the task has no store ${store}`);
    return memory;
  }

  #overlay(store: number): Overlay {
    const memory = this.#memory(store);
    invariant(memory instanceof Overlay, `store ${store} is read by its keys alone`);
    return memory;
  }

  #prefix(store: number): number {
    const prefix = this.#prefixes[store];
    invariant(prefix !== undefined, `the task has no store ${store}`);
    return prefix;
  }
}
