import type { StoreChanges } from "../model/changes.ts";
import type { ValueColumnsBuilder } from "../model/value-columns.ts";
import type { KeySet } from "../ports/store.ts";
import { NamesByTime } from "./names-by-time.ts";
import type { StoreMemory, Value } from "./store-memory.ts";

/**
 * The memory of a store whose entries are looked for by more than their key: those of a key, of a time, or
 * what is due. By key as a latin1 string.
 */
export class Overlay implements StoreMemory {
  readonly store: number;
  readonly writes = 0;
  #head = new Map<string, Value>();
  /** Who deleted what is deleted ahead: a null alone does not tell. */
  readonly #deleters = new Map<string, StoreChanges>();
  #staged = new Map<string, Value>();
  #cut = new Map<string, Value>();
  #unwritten = new Map<string, Value>();
  #stagedBytes = 0;
  #unwrittenBytes = 0;
  unwrittenChanges = 0;
  readonly #byKey: NamesByKey | null;
  readonly #byTime: NamesByTime | null;

  /**
   * With `suffixBytes` the entries of a key are found by it: what stands before so many bytes; with
   * `timeBytes` those of a time, which begins so many bytes before their end.
   */
  constructor(store: number, suffixBytes = 0, timeBytes = 0) {
    this.store = store;
    this.#byKey = suffixBytes === 0 ? null : new NamesByKey(suffixBytes);
    this.#byTime = timeBytes === 0 ? null : new NamesByTime(timeBytes);
  }

  get stagedBytes(): number {
    return this.#stagedBytes;
  }

  get unwrittenCount(): number {
    return this.#unwritten.size;
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

  read(keys: KeySet, view: "staged" | "head", into: ValueColumnsBuilder): number[] {
    const missing: number[] = [];
    for (let slot = 0; slot < keys.count; slot++) {
      const position = keys.positions[slot * 2] as number;
      const end = position + (keys.positions[slot * 2 + 1] as number);
      const found = this.find(keys.bytes.toString("latin1", position, end), view);
      if (found === undefined) missing.push(slot);
      else if (found !== null) into.set(slot, found, 0, found.length);
    }
    return missing;
  }

  /** Nothing is kept for the sake of reads. */
  remember(): void {}

  /** undefined: not here, ask the disk. */
  find(key: string, view: "staged" | "head"): Value | undefined {
    const ahead = view === "head" ? this.#head.get(key) : undefined;
    if (ahead !== undefined) return ahead;
    const staged = this.#staged.get(key);
    if (staged !== undefined) return staged;
    const cut = this.#cut.get(key);
    return cut !== undefined ? cut : this.#unwritten.get(key);
  }

  /** What is here of the entries of a key, newest value of each; unordered. */
  ofKey(key: string, view: "staged" | "head"): [name: string, value: Value][] {
    const entries: [string, Value][] = [];
    for (const name of this.#byKey?.names(key) ?? []) {
      const value = this.find(name, view);
      if (value !== undefined) entries.push([name, value]);
    }
    return entries;
  }

  /** What is here of the entries of a time within `(afterMs, upToMs]`, newest value of each; by time. */
  ofTimes(afterMs: number, upToMs: number): [name: string, value: Value][] {
    const entries: [string, Value][] = [];
    for (const name of this.#byTime?.within(afterMs, upToMs) ?? []) {
      const value = this.find(name, "head");
      if (value !== undefined) entries.push([name, value]);
    }
    return entries;
  }

  *all(): Iterable<[key: string, value: Value]> {
    yield* this.#unwritten;
    yield* this.#cut;
    yield* this.#staged;
    yield* this.#head;
  }

  advance(changes: StoreChanges): void {
    const { keys, values } = changes;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined) continue;
      const name = key.toString("latin1");
      const value = values[i] ?? null;
      this.#head.set(name, value);
      if (value === null) this.#deleters.set(name, changes);
      this.#add(name);
    }
  }

  stage(changes: StoreChanges): void {
    const { keys, values } = changes;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined) continue;
      const name = key.toString("latin1");
      const value = values[i] ?? null;
      this.#put(name, value);
      // What ran ahead has arrived; a head value of a later batch is another buffer, or of others, and stays.
      if (this.#head.size === 0 || this.#head.get(name) !== value) continue;
      if (value !== null || this.#deleters.get(name) === changes) this.#head.delete(name);
    }
    if (this.#head.size === 0) this.#deleters.clear();
  }

  resetHead(): void {
    const names = this.#head;
    this.#head = new Map();
    this.#deleters.clear();
    this.#forget(names);
  }

  cut(): StoreChanges | null {
    this.#cut = this.#staged;
    this.#staged = new Map();
    this.#stagedBytes = 0;
    return this.#cut.size === 0 ? null : changesOf(this.store, this.#cut);
  }

  committed(): void {
    const cut = this.#cut;
    this.#cut = new Map();
    this.unwrittenChanges += cut.size;
    if (this.#unwritten.size === 0) {
      this.#unwritten = cut;
      for (const [name, value] of cut) this.#unwrittenBytes += bytesOf(name, value);
      return;
    }
    for (const [name, value] of cut) {
      this.#unwritten.set(name, value);
      this.#unwrittenBytes += bytesOf(name, value);
    }
  }

  unwritten(): StoreChanges {
    return changesOf(this.store, this.#unwritten);
  }

  written(): void {
    const names = this.#unwritten;
    this.#unwritten = new Map();
    this.#unwrittenBytes = 0;
    this.unwrittenChanges = 0;
    this.#forget(names);
  }

  restored(): void {}

  emptied(): void {}

  isDeleted(key: Buffer): boolean {
    return this.find(key.toString("latin1"), "staged") === null;
  }

  restage(): void {
    const newer = this.#staged;
    const older = this.#cut;
    this.#cut = new Map();
    this.#staged = new Map();
    this.#stagedBytes = 0;
    for (const [name, value] of older) this.#put(name, value);
    for (const [name, value] of newer) this.#put(name, value);
  }

  drop(): void {
    this.#head.clear();
    this.#deleters.clear();
    this.#staged.clear();
    this.#cut = new Map();
    this.#stagedBytes = 0;
    if (this.#byKey === null && this.#byTime === null) return;
    this.#byKey?.clear();
    this.#byTime?.clear();
    for (const name of this.#unwritten.keys()) this.#add(name);
  }

  #add(name: string): void {
    this.#byKey?.add(name);
    this.#byTime?.add(name);
  }

  #forget(names: ReadonlyMap<string, Value>): void {
    if (this.#byKey === null && this.#byTime === null) return;
    for (const name of names.keys()) {
      if (this.find(name, "head") !== undefined) continue;
      this.#byKey?.delete(name);
      this.#byTime?.delete(name);
    }
  }

  #put(name: string, value: Value): void {
    const before = this.#staged.get(name);
    if (before !== undefined) this.#stagedBytes -= bytesOf(name, before);
    this.#staged.set(name, value);
    this.#add(name);
    this.#stagedBytes += bytesOf(name, value);
  }
}

function changesOf(store: number, entries: ReadonlyMap<string, Value>): StoreChanges {
  const keys: Buffer[] = [];
  for (const name of entries.keys()) keys.push(Buffer.from(name, "latin1"));
  return { store, keys, values: [...entries.values()] };
}

function bytesOf(name: string, value: Value): number {
  return name.length + (value?.length ?? 0);
}

/** Names of entries, by what stands before their last bytes. */
class NamesByKey {
  readonly #suffixBytes: number;
  readonly #names = new Map<string, Set<string>>();

  constructor(suffixBytes: number) {
    this.#suffixBytes = suffixBytes;
  }

  names(key: string): Iterable<string> {
    return this.#names.get(key) ?? [];
  }

  add(name: string): void {
    const key = this.#keyOf(name);
    const names = this.#names.get(key);
    if (names === undefined) this.#names.set(key, new Set([name]));
    else names.add(name);
  }

  delete(name: string): void {
    const key = this.#keyOf(name);
    const names = this.#names.get(key);
    names?.delete(name);
    if (names?.size === 0) this.#names.delete(key);
  }

  clear(): void {
    this.#names.clear();
  }

  #keyOf(name: string): string {
    return name.slice(0, Math.max(0, name.length - this.#suffixBytes));
  }
}
