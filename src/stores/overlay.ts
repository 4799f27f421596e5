import type { StoreChanges } from "../ports/store.ts";
import { NamesByTime } from "./names-by-time.ts";

/** A value, or null for a delete. */
export type Value = Buffer | null;

/**
 * What the disk does not have of one store, newest first: head (ahead of a hop), staged, the cut in
 * flight, and what has committed but is not written. By key as a latin1 string, one per distinct key of a
 * batch, never per record; an open table over bytes would be faster still, where a profile asks for it.
 */
export class Overlay {
  #head = new Map<string, Value>();
  /** Who deleted what is deleted ahead: a null alone does not tell. */
  readonly #deleters = new Map<string, StoreChanges>();
  #staged = new Map<string, Value>();
  #cut = new Map<string, Value>();
  #unwritten = new Map<string, Value>();
  #stagedBytes = 0;
  #unwrittenBytes = 0;
  readonly #byKey: NamesByKey | null;
  readonly #byTime: NamesByTime | null;

  /**
   * With `suffixBytes` the entries of a key are found by it: what stands before so many bytes; with
   * `timeBytes` those of a time, which begins so many bytes before their end.
   */
  constructor(suffixBytes = 0, timeBytes = 0) {
    this.#byKey = suffixBytes === 0 ? null : new NamesByKey(suffixBytes);
    this.#byTime = timeBytes === 0 ? null : new NamesByTime(timeBytes);
  }

  get stagedBytes(): number {
    return this.#stagedBytes;
  }

  /** How many keys have committed and are not on the disk, and the bytes that came to them. */
  get unwrittenCount(): number {
    return this.#unwritten.size;
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

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

  /** Everything that is not on disk, oldest first: the last value of a key is its newest. */
  *all(): Iterable<[key: string, value: Value]> {
    yield* this.#unwritten;
    yield* this.#cut;
    yield* this.#staged;
    yield* this.#head;
  }

  advance(changes: StoreChanges): void {
    const { keys, values, names } = changes;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined) continue;
      const name = names?.[i] ?? key.toString("latin1");
      const value = values[i] ?? null;
      this.#head.set(name, value);
      if (value === null) this.#deleters.set(name, changes);
      this.#add(name);
    }
  }

  stage(changes: StoreChanges): void {
    const { keys, values, names } = changes;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined) continue;
      const name = names?.[i] ?? key.toString("latin1");
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

  /** The staged values become the cut in flight. */
  cut(): ReadonlyMap<string, Value> {
    this.#cut = this.#staged;
    this.#staged = new Map();
    this.#stagedBytes = 0;
    return this.#cut;
  }

  /** The cut has committed; the disk does not have it yet. */
  committed(): void {
    const cut = this.#cut;
    this.#cut = new Map();
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

  /** What has committed and is not on the disk; nothing is added before `written`. */
  unwritten(): ReadonlyMap<string, Value> {
    return this.#unwritten;
  }

  /** The disk has all that is committed, or is to be asked for it. */
  written(): void {
    const names = this.#unwritten;
    this.#unwritten = new Map();
    this.#unwrittenBytes = 0;
    this.#forget(names);
  }

  /** The cut goes back under what was staged since. */
  restage(): void {
    const newer = this.#staged;
    const older = this.#cut;
    this.#cut = new Map();
    this.#staged = new Map();
    this.#stagedBytes = 0;
    for (const [name, value] of older) this.#put(name, value);
    for (const [name, value] of newer) this.#put(name, value);
  }

  /** Only what is committed remains. */
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
