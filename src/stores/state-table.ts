import {
  type ChangeColumns,
  ColumnChanges,
  columnsOf,
  type StoreChanges,
} from "../model/changes.ts";
import { hashOf, type KeyColumns } from "../model/key-table.ts";
import { ValueColumnsBuilder } from "../model/value-columns.ts";
import type { KeySet } from "../ports/store.ts";
import { ChangesAhead } from "./changes-ahead.ts";
import { CommittedValues } from "./committed-values.ts";
import type { DiskTimes } from "./disk-times.ts";
import { EntriesByTime } from "./entries-by-time.ts";
import {
  ABSENT,
  CUT_PLACE,
  EntryFields,
  HASH,
  HEAD,
  HEAD_PLACE,
  INDEXED,
  KEY_LENGTH,
  KEY_POSITION,
  LISTED,
  STAGED_LENGTH,
  STAGED_POSITION,
  UNKNOWN,
  UNWRITTEN,
  USED,
  VALUE_LENGTH,
} from "./entry-fields.ts";
import { IntList } from "./int-list.ts";
import { KeyFilter } from "./key-filter.ts";
import { KeyIndex } from "./key-index.ts";
import { packEntries } from "./packed-keys.ts";
import { StagedValues } from "./staged-values.ts";
import type { StoreMemory, Value } from "./store-memory.ts";

/** What an entry takes beside its key and its value. */
const ENTRY_BYTES = 96;
/** Entries that one eviction looks at, and how many places for them: where none may go, the table grows. */
const LOOKED_AT_MAX = 8;
const PASSED_MAX = 64;
const NOTHING = Buffer.alloc(0);

/** The cut under way: its entries, by place, and where its values stand. */
interface Cut extends ChangeColumns {
  readonly entries: IntList;
  readonly arena: StagedValues;
}

/**
 * What memory knows of one store that is read by key: all that is not on the disk, and committed values that
 * were used of late, an absent one as well. One entry for each key, no object for any: what runs ahead stays
 * in its batch's columns, what is staged and what has committed is copied. Entries of which the disk knows
 * everything are evicted by second chance above `limit` bytes.
 */
export class StateTable implements StoreMemory {
  readonly store: number;
  readonly #limit: () => number;
  /** Of a windowed store; null of any other. */
  readonly times: DiskTimes | null;
  /** The keys that the disk may have. */
  readonly filter: KeyFilter;
  readonly #entries = new EntryFields();
  readonly #index = new KeyIndex(this.#entries);
  readonly #committed = new CommittedValues(this.#entries);
  readonly #ahead = new ChangesAhead();
  /** The committed entries of a windowed store that are not deleted, but for those that only the disk had. */
  readonly #byTime: EntriesByTime | null;
  /** Heads up to this number are forgotten. */
  #forgottenUpTo = 0;
  #staged = new StagedValues();
  #stagedEntries = new IntList();
  #cut: Cut | null = null;
  /** What the last cut's values stood in. */
  #spare = new StagedValues();
  #unwritten = new IntList();
  #hand = 0;
  #writes = 0;
  stagedBytes = 0;
  unwrittenBytes = 0;
  unwrittenChanges = 0;

  /**
   * `limit` says how many bytes may be kept for the sake of reads; `times` are those of a windowed store;
   * `filter` knows which keys the disk may have.
   */
  constructor(
    store: number,
    limit: () => number,
    times: DiskTimes | null = null,
    filter = new KeyFilter(limit, false),
  ) {
    this.store = store;
    this.#limit = limit;
    this.times = times;
    this.#byTime = times === null ? null : new EntriesByTime(this.#entries, this.#index);
    this.filter = filter;
  }

  get unwrittenCount(): number {
    return this.#unwritten.length;
  }

  /** Bytes of all that is kept. */
  get bytes(): number {
    return this.#index.keyBytes + this.#committed.bytes + this.#index.count * ENTRY_BYTES;
  }

  get writes(): number {
    return this.#writes;
  }

  read(keys: KeySet, view: "staged" | "head", into: ValueColumnsBuilder): number[] {
    const missing: number[] = [];
    const entries = new Int32Array(keys.count);
    keys.found = { by: this, entries, stamp: this.#index.removals };
    for (let slot = 0; slot < keys.count; slot++) {
      const position = keys.positions[slot * 2] as number;
      const length = keys.positions[slot * 2 + 1] as number;
      const hash = keys.hashes?.[slot] ?? hashOf(keys.bytes, position, length);
      const entry = this.#index.find(hash, keys.bytes, position, length);
      entries[slot] = entry;
      if (entry >= 0 && this.#copy(entry, view, slot, into)) continue;
      if (entry < 0 && this.times?.mayHave(keys.bytes, position, length) === false) continue;
      if (this.filter.mayHave(hash)) missing.push(slot);
    }
    return missing;
  }

  /** The newest value of an entry goes to a slot; false where it is not known. */
  #copy(entry: number, view: "staged" | "head", slot: number, into: ValueColumnsBuilder): boolean {
    const entries = this.#entries;
    const head = view === "head" ? entries.get(entry, HEAD) : 0;
    if (head > this.#forgottenUpTo) {
      const { values } = this.#ahead.columns(head);
      copyValue(values, entries.get(entry, HEAD_PLACE), slot, into);
      return true;
    }
    const staged = entries.get(entry, STAGED_LENGTH);
    if (staged !== UNKNOWN) {
      const position = entries.get(entry, STAGED_POSITION);
      if (staged >= 0) into.set(slot, this.#staged.bytes, position, staged);
      return true;
    }
    const cut = entries.get(entry, CUT_PLACE);
    if (cut !== 0 && this.#cut !== null) {
      copyValue(this.#cut.values, cut - 1, slot, into);
      return true;
    }
    const length = entries.get(entry, VALUE_LENGTH);
    if (length === UNKNOWN) return false;
    entries.mark(entry, USED);
    if (length >= 0) this.#committed.copyTo(entry, slot, into);
    return true;
  }

  remember(keys: KeySet, slots: readonly number[], values: readonly Value[], writes: number): void {
    // Since the disk was asked it got something: the answer may be old.
    if (writes !== this.#writes || this.#limit() === 0) return;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const position = keys.positions[slot * 2] as number;
      const length = keys.positions[slot * 2 + 1] as number;
      const hash = keys.hashes?.[slot] ?? hashOf(keys.bytes, position, length);
      const entry = this.#entryOf(hash, keys.bytes, position, length);
      if (this.#entries.get(entry, VALUE_LENGTH) !== UNKNOWN) continue;
      const value = values[i] ?? null;
      this.#committed.set(entry, value ?? NOTHING, 0, value?.length ?? ABSENT);
      if (value !== null) this.#entries.mark(entry, INDEXED);
    }
  }

  advance(changes: StoreChanges): void {
    const { number, columns } = this.#ahead.add(changes);
    for (let i = 0; i < columns.keys.count; i++) {
      const entry = this.#entryAt(columns.keys, i);
      this.#entries.set(entry, HEAD, number);
      this.#entries.set(entry, HEAD_PLACE, i);
    }
  }

  stage(changes: StoreChanges): void {
    const { number, columns } = this.#ahead.arrive(changes);
    const { bytes, positions } = columns.values;
    for (let i = 0; i < columns.keys.count; i++) {
      const entry = this.#entryAt(columns.keys, i);
      this.#stage(entry, bytes, positions[i * 2] as number, positions[i * 2 + 1] as number);
      if (number !== 0 && this.#entries.get(entry, HEAD) === number) {
        this.#entries.set(entry, HEAD, 0);
      }
    }
  }

  #stage(entry: number, bytes: Buffer, position: number, length: number): void {
    const entries = this.#entries;
    const before = entries.get(entry, STAGED_LENGTH);
    if (before === UNKNOWN) {
      this.#stagedEntries.push(entry);
      this.stagedBytes += entries.get(entry, KEY_LENGTH) + Math.max(0, length);
    } else {
      this.stagedBytes += Math.max(0, length) - Math.max(0, before);
    }
    entries.set(entry, STAGED_LENGTH, Math.max(ABSENT, length));
    if (length < 0) return;
    if (length === before) {
      this.#staged.overwrite(entries.get(entry, STAGED_POSITION), bytes, position, length);
    } else {
      entries.set(entry, STAGED_POSITION, this.#staged.add(bytes, position, length));
    }
  }

  resetHead(): void {
    this.#ahead.clear();
    this.#forgottenUpTo = this.#ahead.last;
  }

  cut(): StoreChanges | null {
    const numbers = this.#stagedEntries;
    if (numbers.length === 0) return null;
    const entries = this.#entries;
    const positions = new Int32Array(numbers.length * 2);
    for (let place = 0; place < numbers.length; place++) {
      const entry = numbers.at(place);
      positions[place * 2] = entries.get(entry, STAGED_POSITION);
      positions[place * 2 + 1] = entries.get(entry, STAGED_LENGTH);
      entries.set(entry, STAGED_LENGTH, UNKNOWN);
      entries.set(entry, CUT_PLACE, place + 1);
    }
    const keys = packEntries(this.#index.bytes, entries, numbers);
    const values = { count: numbers.length, bytes: this.#staged.bytes, positions };
    this.#cut = { keys, values, entries: numbers, arena: this.#staged };
    this.#staged = this.#spare;
    this.#staged.clear();
    this.#stagedEntries = new IntList();
    this.stagedBytes = 0;
    return new ColumnChanges(this.store, keys, values);
  }

  committed(): void {
    const cut = this.#endCut();
    if (cut === null) return;
    const { keys, values } = cut;
    this.unwrittenChanges += cut.entries.length;
    for (let place = 0; place < cut.entries.length; place++) {
      const entry = cut.entries.at(place);
      const length = values.positions[place * 2 + 1] as number;
      this.#committed.set(entry, values.bytes, values.positions[place * 2] as number, length);
      this.unwrittenBytes += (keys.positions[place * 2 + 1] as number) + Math.max(0, length);
      if (!this.#entries.hasMark(entry, UNWRITTEN)) this.#unwritten.push(entry);
      this.#entries.mark(entry, UNWRITTEN | USED);
      this.#byTime?.list(entry, length >= 0);
    }
  }

  restage(): void {
    const cut = this.#endCut();
    if (cut === null) return;
    const { bytes, positions } = cut.values;
    for (let place = 0; place < cut.entries.length; place++) {
      const entry = cut.entries.at(place);
      if (this.#entries.get(entry, STAGED_LENGTH) !== UNKNOWN) continue;
      const position = positions[place * 2] as number;
      this.#stage(entry, bytes, position, positions[place * 2 + 1] as number);
    }
  }

  /** Nothing is in the cut any more; its values stand until the next one. */
  #endCut(): Cut | null {
    const cut = this.#cut;
    this.#cut = null;
    if (cut === null) return null;
    for (let i = 0; i < cut.entries.length; i++) {
      this.#entries.set(cut.entries.at(i), CUT_PLACE, 0);
    }
    this.#spare = cut.arena;
    return cut;
  }

  drop(): void {
    for (let i = 0; i < this.#stagedEntries.length; i++) {
      this.#entries.set(this.#stagedEntries.at(i), STAGED_LENGTH, UNKNOWN);
    }
    this.#endCut();
    this.resetHead();
    this.#stagedEntries = new IntList();
    this.#staged.clear();
    this.stagedBytes = 0;
    this.times?.lookAnew();
  }

  unwritten(): StoreChanges {
    const numbers = this.#unwritten;
    const keys = packEntries(this.#index.bytes, this.#entries, numbers);
    const values = new ValueColumnsBuilder(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const entry = numbers.at(i);
      if (this.#entries.get(entry, VALUE_LENGTH) >= 0) this.#committed.copyTo(entry, i, values);
    }
    return new ColumnChanges(this.store, keys, values);
  }

  /** Whether the key of a change of `unwritten` is known to be on the disk, and in its index. */
  isIndexed(i: number): boolean {
    return this.#entries.hasMark(this.#unwritten.at(i), INDEXED);
  }

  written(isOnDisk: boolean): void {
    const numbers = this.#unwritten;
    this.filter.shrink();
    this.#writes += 1;
    this.#unwritten = new IntList();
    this.unwrittenBytes = 0;
    this.unwrittenChanges = 0;
    for (let i = 0; i < numbers.length; i++) {
      const entry = numbers.at(i);
      this.filter.add(this.#entries.get(entry, HASH));
      this.#entries.unmark(entry, UNWRITTEN);
      if (!isOnDisk) this.#forget(entry);
      else if (this.#entries.get(entry, VALUE_LENGTH) >= 0) this.#entries.mark(entry, INDEXED);
      else this.#deleted(entry);
    }
    if (!isOnDisk) this.times?.lookAnew();
  }

  restored(changes: StoreChanges): void {
    this.#writes += 1;
    this.filter.shrink();
    const { count, bytes, positions, hashes } = columnsOf(changes).keys;
    this.filter.addAll(hashes, count);
    if (this.times === null && this.#index.count === 0) return;
    for (let i = 0; i < count; i++) {
      const position = positions[i * 2] as number;
      const length = positions[i * 2 + 1] as number;
      this.times?.has(bytes, position, length);
      const entry = this.#index.find(hashes[i] as number, bytes, position, length);
      if (entry >= 0) this.#forget(entry);
    }
  }

  emptied(): void {
    this.#writes += 1;
    this.times?.emptied();
    this.filter.clear();
    for (let entry = 0; entry < this.#index.end; entry++) {
      if (!this.#index.isFree(entry)) this.#forget(entry);
    }
  }

  /** The disk does not have it either: of a window that is over nobody asks again. */
  #deleted(entry: number): void {
    this.#entries.unmark(entry, INDEXED);
    if (this.times === null || this.#isNeeded(entry)) return;
    this.#committed.forget(entry);
    this.#index.remove(entry);
  }

  /** What the disk has of an entry is not known any more. */
  #forget(entry: number): void {
    this.#byTime?.list(entry, false);
    this.#entries.unmark(entry, INDEXED);
    this.#committed.forget(entry);
  }

  /** Listed keys whose window begins up to `timeMs` and not about to be deleted, the eldest first. */
  expired(timeMs: number, entriesMax: number): KeyColumns {
    const isHidden = (entry: number): boolean => this.#isDeleted(entry);
    const found = this.#byTime?.upTo(timeMs, entriesMax, isHidden) ?? new IntList();
    const keys = packEntries(this.#index.bytes, this.#entries, found);
    const entries = new Int32Array(found.length);
    for (let i = 0; i < found.length; i++) entries[i] = found.at(i);
    keys.found = { by: this, entries, stamp: this.#index.removals };
    return keys;
  }

  isListed(key: Buffer): boolean {
    const entry = this.#index.find(hashOf(key, 0, key.length), key, 0, key.length);
    return entry >= 0 && this.#entries.hasMark(entry, LISTED);
  }

  isDeleted(key: Buffer): boolean {
    const entry = this.#index.find(hashOf(key, 0, key.length), key, 0, key.length);
    return entry >= 0 && this.#isDeleted(entry);
  }

  #isDeleted(entry: number): boolean {
    const staged = this.#entries.get(entry, STAGED_LENGTH);
    if (staged !== UNKNOWN) return staged === ABSENT;
    const cut = this.#entries.get(entry, CUT_PLACE);
    if (cut === 0 || this.#cut === null) return this.#entries.get(entry, VALUE_LENGTH) === ABSENT;
    return (this.#cut.values.positions[cut * 2 - 1] as number) < 0;
  }

  *all(): Iterable<readonly [key: string, value: Value]> {
    for (let i = 0; i < this.#unwritten.length; i++) {
      const entry = this.#unwritten.at(i);
      yield [this.#nameOf(entry), this.#committed.valueOf(entry)];
    }
    if (this.#cut !== null) yield* listed(this.store, this.#cut);
    for (let i = 0; i < this.#stagedEntries.length; i++) {
      const entry = this.#stagedEntries.at(i);
      const one = new ValueColumnsBuilder(1);
      this.#copy(entry, "staged", 0, one);
      const isHeld = (one.positions[1] as number) >= 0;
      yield [this.#nameOf(entry), isHeld ? one.bytes.subarray(0, one.positions[1]) : null];
    }
    for (const columns of this.#ahead.waiting()) yield* listed(this.store, columns);
  }

  #nameOf(entry: number): string {
    const position = this.#entries.get(entry, KEY_POSITION);
    const end = position + this.#entries.get(entry, KEY_LENGTH);
    return this.#index.bytes.toString("latin1", position, end);
  }

  /** The entry of a changed key; where it was looked for before, what was found is remembered. */
  #entryAt(keys: KeyColumns, i: number): number {
    const { found } = keys;
    const isKnown = found?.by === this && found.stamp === this.#index.removals;
    const known = isKnown ? (found.entries[i] as number) : -1;
    if (known >= 0) return known;
    const position = keys.positions[i * 2] as number;
    const length = keys.positions[i * 2 + 1] as number;
    const entry = this.#entryOf(keys.hashes[i] as number, keys.bytes, position, length);
    if (isKnown) found.entries[i] = entry;
    return entry;
  }

  #entryOf(hash: number, bytes: Buffer, position: number, length: number): number {
    const found = this.#index.find(hash, bytes, position, length);
    if (found >= 0) return found;
    if (this.bytes >= this.#limit()) this.#evict();
    return this.#index.add(hash, bytes, position, length);
  }

  /** The hand goes round: what was used since it passed stays once more. */
  #evict(): void {
    const { end } = this.#index;
    let looked = 0;
    for (let passed = 0; passed < PASSED_MAX && looked < LOOKED_AT_MAX; passed++) {
      const entry = this.#hand;
      this.#hand = entry + 1 >= end ? 0 : entry + 1;
      if (entry >= end || this.#index.isFree(entry)) continue;
      looked += 1;
      if (this.#isNeeded(entry)) continue;
      const wasUsed = this.#entries.hasMark(entry, USED);
      this.#entries.unmark(entry, USED);
      if (wasUsed) continue;
      const position = this.#entries.get(entry, KEY_POSITION);
      this.times?.has(this.#index.bytes, position, this.#entries.get(entry, KEY_LENGTH));
      this.#forget(entry);
      this.#index.remove(entry);
      if (this.bytes < this.#limit()) return;
    }
  }

  /** The disk does not know all of it. */
  #isNeeded(entry: number): boolean {
    const entries = this.#entries;
    return (
      entries.get(entry, HEAD) > this.#forgottenUpTo ||
      entries.get(entry, STAGED_LENGTH) !== UNKNOWN ||
      entries.get(entry, CUT_PLACE) !== 0 ||
      entries.hasMark(entry, UNWRITTEN)
    );
  }
}

function copyValue(
  { bytes, positions }: ChangeColumns["values"],
  place: number,
  slot: number,
  into: ValueColumnsBuilder,
): void {
  const length = positions[place * 2 + 1] as number;
  if (length >= 0) into.set(slot, bytes, positions[place * 2] as number, length);
}

function* listed(
  store: number,
  columns: ChangeColumns,
): Iterable<readonly [key: string, value: Value]> {
  const { keys, values } = new ColumnChanges(store, columns.keys, columns.values);
  for (let i = 0; i < keys.length; i++) {
    yield [(keys[i] as Buffer).toString("latin1"), values[i] as Value];
  }
}
