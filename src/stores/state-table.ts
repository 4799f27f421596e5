import {
  type ChangeColumns,
  ColumnChanges,
  columnsOf,
  type StoreChanges,
} from "../model/changes.ts";
import { hashOf, type KeyColumns } from "../model/key-table.ts";
import { ValueColumnsBuilder, valueAt } from "../model/value-columns.ts";
import type { KeySet } from "../ports/store.ts";
import { ChangePacker } from "./change-packer.ts";
import { ABSENT, CommittedValues, UNKNOWN } from "./committed-values.ts";
import { IntList } from "./int-list.ts";
import { grown, KeyIndex } from "./key-index.ts";
import type { StoreMemory, Value } from "./store-memory.ts";

/** Marks of an entry: its committed value is not on the disk; it was read since the hand passed. */
const UNWRITTEN = 1;
const READ = 2;
/** What an entry takes beside its key and its value. */
const ENTRY_BYTES = 64;
/** Entries that one eviction looks at: where none of them may go, the table grows. */
const LOOKED_AT_MAX = 64;

interface Ahead {
  readonly number: number;
  readonly changes: StoreChanges;
}

interface Cut {
  readonly columns: ChangeColumns;
  readonly entries: IntList;
}

/**
 * What memory knows of one store that is read by key: all that is not on the disk, and committed values that
 * were used of late, an absent one as well. One entry for each key, no object for any: what batches have
 * changed stays in their columns and is named by number and place until a cut takes it; what has committed
 * is copied. Entries of which the disk knows everything are evicted by second chance above `limit` bytes.
 */
export class StateTable implements StoreMemory {
  readonly store: number;
  readonly #limit: () => number;
  readonly #index = new KeyIndex();
  readonly #committed = new CommittedValues(this.#index.capacity);
  /** By entry: the number of the changes whose value is the layer's, 0 for none, and its place in them. */
  #heads = new Int32Array(this.#index.capacity);
  #headPlaces = new Int32Array(this.#index.capacity);
  #staged = new Int32Array(this.#index.capacity);
  #stagedPlaces = new Int32Array(this.#index.capacity);
  /** By entry: its place in the cut + 1; 0 for none. */
  #cutPlaces = new Int32Array(this.#index.capacity);
  #marks = new Uint8Array(this.#index.capacity);
  /** Changes by number, from `#first` on. */
  #changes: (ChangeColumns | null)[] = [];
  #first = 1;
  #ahead: Ahead[] = [];
  /** What ran ahead up to this number is forgotten. */
  #forgottenUpTo = 0;
  #stagedEntries = new IntList();
  #cut: Cut | null = null;
  #unwritten = new IntList();
  #hand = 0;
  /** How often the disk got something: what was read from it before may be old. */
  #writes = 0;
  stagedBytes = 0;
  unwrittenBytes = 0;

  /** `limit` says how many bytes may be kept for the sake of reads. */
  constructor(store: number, limit: () => number) {
    this.store = store;
    this.#limit = limit;
  }

  get unwrittenCount(): number {
    return this.#unwritten.length;
  }

  /** Bytes of all that is kept. */
  get bytes(): number {
    return this.#index.keyBytes + this.#committed.bytes + this.#index.count * ENTRY_BYTES;
  }

  /** Names the state of the disk, for `remember`. */
  get writes(): number {
    return this.#writes;
  }

  /** Sets what is known of the keys; the slots of the others, which the disk is to be asked for. */
  read(keys: KeySet, view: "staged" | "head", into: ValueColumnsBuilder): number[] {
    const missing: number[] = [];
    for (let slot = 0; slot < keys.count; slot++) {
      const position = keys.positions[slot * 2] as number;
      const length = keys.positions[slot * 2 + 1] as number;
      const hash = keys.hashes?.[slot] ?? hashOf(keys.bytes, position, length);
      const entry = this.#index.find(hash, keys.bytes, position, length);
      if (entry < 0 || !this.#copy(entry, view, slot, into)) missing.push(slot);
    }
    return missing;
  }

  /** The newest value of an entry goes to a slot; false where it is not known. */
  #copy(entry: number, view: "staged" | "head", slot: number, into: ValueColumnsBuilder): boolean {
    const head = view === "head" ? (this.#heads[entry] as number) : 0;
    if (head > this.#forgottenUpTo) {
      copyValue(this.#numbered(head), this.#headPlaces[entry] as number, slot, into);
      return true;
    }
    const staged = this.#staged[entry] as number;
    if (staged !== 0) {
      copyValue(this.#numbered(staged), this.#stagedPlaces[entry] as number, slot, into);
      return true;
    }
    const cut = this.#cutPlaces[entry] as number;
    if (cut !== 0 && this.#cut !== null) {
      copyValue(this.#cut.columns, cut - 1, slot, into);
      return true;
    }
    const length = this.#committed.length(entry);
    if (length === UNKNOWN) return false;
    this.#marks[entry] = (this.#marks[entry] as number) | READ;
    if (length >= 0) this.#committed.copyTo(entry, slot, into);
    return true;
  }

  /** Keeps what the disk answered, unless it got something since it was asked at `writes`. */
  remember(
    keys: KeySet,
    slots: readonly number[],
    values: readonly (Buffer | null)[],
    writes: number,
  ): void {
    if (writes !== this.#writes || this.#limit() === 0) return;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const position = keys.positions[slot * 2] as number;
      const length = keys.positions[slot * 2 + 1] as number;
      const hash = keys.hashes?.[slot] ?? hashOf(keys.bytes, position, length);
      const entry = this.#entryOf(hash, keys.bytes, position, length);
      if (this.#committed.length(entry) !== UNKNOWN) continue;
      const value = values[i] ?? null;
      if (value === null) this.#committed.set(entry, NOTHING, 0, ABSENT);
      else this.#committed.set(entry, value, 0, value.length);
    }
  }

  advance(changes: StoreChanges): void {
    const columns = columnsOf(changes);
    const number = this.#keep(columns);
    this.#ahead.push({ number, changes });
    for (let i = 0; i < columns.keys.count; i++) {
      const entry = this.#entryAt(columns.keys, i);
      this.#heads[entry] = number;
      this.#headPlaces[entry] = i;
    }
  }

  stage(changes: StoreChanges): void {
    const at = this.#ahead.findIndex((one) => one.changes === changes);
    const [arrived] = at < 0 ? [] : this.#ahead.splice(at, 1);
    const columns = arrived === undefined ? columnsOf(changes) : this.#numbered(arrived.number);
    const number = arrived?.number ?? this.#keep(columns);
    for (let i = 0; i < columns.keys.count; i++) {
      const entry = this.#entryAt(columns.keys, i);
      this.#stage(entry, columns, number, i);
      if (this.#heads[entry] === number) this.#heads[entry] = 0;
    }
  }

  #stage(entry: number, columns: ChangeColumns, number: number, place: number): void {
    const before = this.#staged[entry] as number;
    if (before === 0) {
      this.#stagedEntries.push(entry);
    } else {
      this.stagedBytes -= bytesAt(this.#numbered(before), this.#stagedPlaces[entry] as number);
    }
    this.#staged[entry] = number;
    this.#stagedPlaces[entry] = place;
    this.stagedBytes += bytesAt(columns, place);
  }

  resetHead(): void {
    this.#forgottenUpTo = this.#first + this.#changes.length - 1;
    this.#ahead = [];
  }

  cut(): StoreChanges | null {
    const entries = this.#stagedEntries;
    if (entries.length === 0) return null;
    const packer = new ChangePacker(entries.length, this.stagedBytes);
    for (let place = 0; place < entries.length; place++) {
      const entry = entries.at(place);
      const columns = this.#numbered(this.#staged[entry] as number);
      packer.add(columns, this.#stagedPlaces[entry] as number);
      this.#staged[entry] = 0;
      this.#cutPlaces[entry] = place + 1;
    }
    this.#cut = { columns: packer.columns(), entries };
    this.#stagedEntries = new IntList();
    this.stagedBytes = 0;
    this.#letGo();
    return new ColumnChanges(this.store, this.#cut.columns.keys, this.#cut.columns.values);
  }

  committed(): void {
    const cut = this.#cut;
    this.#cut = null;
    if (cut === null) return;
    const { keys, values } = cut.columns;
    for (let place = 0; place < cut.entries.length; place++) {
      const entry = cut.entries.at(place);
      this.#cutPlaces[entry] = 0;
      const position = values.positions[place * 2] as number;
      const length = values.positions[place * 2 + 1] as number;
      this.#committed.set(entry, values.bytes, position, length);
      this.unwrittenBytes += (keys.positions[place * 2 + 1] as number) + Math.max(0, length);
      const marks = this.#marks[entry] as number;
      if ((marks & UNWRITTEN) === 0) this.#unwritten.push(entry);
      this.#marks[entry] = marks | UNWRITTEN | READ;
    }
  }

  restage(): void {
    const cut = this.#cut;
    this.#cut = null;
    if (cut === null) return;
    const number = this.#keep(cut.columns);
    for (let place = 0; place < cut.entries.length; place++) {
      const entry = cut.entries.at(place);
      this.#cutPlaces[entry] = 0;
      if (this.#staged[entry] === 0) this.#stage(entry, cut.columns, number, place);
    }
  }

  drop(): void {
    for (let i = 0; i < this.#stagedEntries.length; i++)
      this.#staged[this.#stagedEntries.at(i)] = 0;
    const { entries } = this.#cut ?? { entries: new IntList() };
    for (let i = 0; i < entries.length; i++) this.#cutPlaces[entries.at(i)] = 0;
    this.resetHead();
    this.#stagedEntries = new IntList();
    this.stagedBytes = 0;
    this.#cut = null;
    this.#letGo();
  }

  unwritten(): StoreChanges {
    const entries = this.#unwritten;
    const packer = new ChangePacker(entries.length, this.unwrittenBytes);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries.at(i);
      packer.addKey(this.#index, entry);
      const length = this.#committed.length(entry);
      if (length >= 0) this.#committed.copyTo(entry, i, packer.values);
    }
    const { keys, values } = packer.columns();
    return new ColumnChanges(this.store, keys, values);
  }

  written(isOnDisk: boolean): void {
    const entries = this.#unwritten;
    this.#writes += 1;
    this.#unwritten = new IntList();
    this.unwrittenBytes = 0;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries.at(i);
      this.#marks[entry] = (this.#marks[entry] as number) & ~UNWRITTEN;
      if (!isOnDisk) this.#committed.forget(entry);
    }
  }

  restored(changes: StoreChanges): void {
    this.#writes += 1;
    if (this.#index.count === 0) return;
    for (const key of changes.keys) {
      const entry = this.#index.find(hashOf(key, 0, key.length), key, 0, key.length);
      if (entry >= 0) this.#committed.forget(entry);
    }
  }

  emptied(): void {
    this.#writes += 1;
    for (let entry = 0; entry < this.#index.end; entry++) this.#committed.forget(entry);
  }

  isDeleted(key: Buffer): boolean {
    const entry = this.#index.find(hashOf(key, 0, key.length), key, 0, key.length);
    if (entry < 0) return false;
    const one = new ValueColumnsBuilder(1);
    return this.#copy(entry, "staged", 0, one) && (one.positions[1] as number) < 0;
  }

  *all(): Iterable<readonly [key: string, value: Value]> {
    for (let i = 0; i < this.#unwritten.length; i++) {
      const entry = this.#unwritten.at(i);
      const position = this.#index.position(entry);
      const end = position + this.#index.length(entry);
      yield [this.#index.bytes.toString("latin1", position, end), this.#committed.valueOf(entry)];
    }
    if (this.#cut !== null) yield* listed(this.store, this.#cut.columns);
    for (let i = 0; i < this.#stagedEntries.length; i++) {
      const entry = this.#stagedEntries.at(i);
      const columns = this.#numbered(this.#staged[entry] as number);
      yield listedAt(columns, this.#stagedPlaces[entry] as number);
    }
    for (const { number } of this.#ahead) yield* listed(this.store, this.#numbered(number));
  }

  #entryAt(keys: KeyColumns, i: number): number {
    const position = keys.positions[i * 2] as number;
    const length = keys.positions[i * 2 + 1] as number;
    return this.#entryOf(keys.hashes[i] as number, keys.bytes, position, length);
  }

  #entryOf(hash: number, bytes: Buffer, position: number, length: number): number {
    const found = this.#index.find(hash, bytes, position, length);
    if (found >= 0) return found;
    if (this.bytes >= this.#limit()) this.#evict();
    const { capacity } = this.#index;
    const entry = this.#index.add(hash, bytes, position, length);
    if (this.#index.capacity > capacity) this.#grow(this.#index.capacity);
    return entry;
  }

  /** The hand goes round: what was read since it passed stays once more. */
  #evict(): void {
    const { end } = this.#index;
    for (let looked = 0; looked < Math.min(end, LOOKED_AT_MAX); looked++) {
      const entry = this.#hand;
      this.#hand = entry + 1 >= end ? 0 : entry + 1;
      if (this.#index.length(entry) < 0 || this.#isNeeded(entry)) continue;
      const marks = this.#marks[entry] as number;
      this.#marks[entry] = marks & ~READ;
      if ((marks & READ) !== 0) continue;
      this.#committed.forget(entry);
      this.#heads[entry] = 0;
      this.#index.remove(entry);
      if (this.bytes < this.#limit()) return;
    }
  }

  /** The disk does not know all of it. */
  #isNeeded(entry: number): boolean {
    return (
      (this.#heads[entry] as number) > this.#forgottenUpTo ||
      this.#staged[entry] !== 0 ||
      this.#cutPlaces[entry] !== 0 ||
      ((this.#marks[entry] as number) & UNWRITTEN) !== 0
    );
  }

  #grow(capacity: number): void {
    this.#committed.grow(capacity);
    this.#heads = grown(this.#heads, capacity, 0);
    this.#headPlaces = grown(this.#headPlaces, capacity, 0);
    this.#staged = grown(this.#staged, capacity, 0);
    this.#stagedPlaces = grown(this.#stagedPlaces, capacity, 0);
    this.#cutPlaces = grown(this.#cutPlaces, capacity, 0);
    const marks = new Uint8Array(capacity);
    marks.set(this.#marks);
    this.#marks = marks;
  }

  #keep(columns: ChangeColumns): number {
    this.#changes.push(columns);
    return this.#first + this.#changes.length - 1;
  }

  #numbered(number: number): ChangeColumns {
    return this.#changes[number - this.#first] as ChangeColumns;
  }

  /** Changes that no layer names any more are let go. */
  #letGo(): void {
    const end = this.#first + this.#changes.length;
    const kept = this.#ahead[0]?.number ?? end;
    this.#changes.splice(0, kept - this.#first);
    this.#first = kept;
  }
}

const NOTHING = Buffer.alloc(0);

function copyValue(
  { values }: ChangeColumns,
  place: number,
  slot: number,
  into: ValueColumnsBuilder,
): void {
  const length = values.positions[place * 2 + 1] as number;
  if (length < 0) return;
  into.set(slot, values.bytes, values.positions[place * 2] as number, length);
}

function bytesAt({ keys, values }: ChangeColumns, place: number): number {
  const at = place * 2 + 1;
  return (keys.positions[at] as number) + Math.max(0, values.positions[at] as number);
}

function* listed(store: number, columns: ChangeColumns): Iterable<readonly [string, Value]> {
  const { keys, values } = new ColumnChanges(store, columns.keys, columns.values);
  for (let i = 0; i < keys.length; i++) {
    yield [(keys[i] as Buffer).toString("latin1"), values[i] as Value];
  }
}

function listedAt({ keys, values }: ChangeColumns, place: number): readonly [string, Value] {
  const at = keys.positions[place * 2] as number;
  const end = at + (keys.positions[place * 2 + 1] as number);
  return [keys.bytes.toString("latin1", at, end), valueAt(values, place)];
}
