import type { StoreChanges } from "../ports/store.ts";

/** A value, or null for a delete. */
export type Value = Buffer | null;

/**
 * What is not yet committed of one store, newest first: head (ahead of a hop), staged, the cut in
 * flight. By key as a latin1 string, one per distinct key of a batch, never per record; an open
 * table over bytes would be faster still, where a profile asks for it.
 */
export class Overlay {
  #head = new Map<string, Value>();
  #staged = new Map<string, Value>();
  #cut = new Map<string, Value>();
  #stagedBytes = 0;

  get stagedBytes(): number {
    return this.#stagedBytes;
  }

  /** undefined: not here, ask the disk. */
  find(key: string, view: "staged" | "head"): Value | undefined {
    const ahead = view === "head" ? this.#head.get(key) : undefined;
    if (ahead !== undefined) return ahead;
    const staged = this.#staged.get(key);
    return staged !== undefined ? staged : this.#cut.get(key);
  }

  /** Everything that is not on disk, oldest first: the last value of a key is its newest. */
  *all(): Iterable<[key: string, value: Value]> {
    yield* this.#cut;
    yield* this.#staged;
    yield* this.#head;
  }

  advance({ keys, values }: StoreChanges): void {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key !== undefined) this.#head.set(key.toString("latin1"), values[i] ?? null);
    }
  }

  stage({ keys, values }: StoreChanges): void {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined) continue;
      const name = key.toString("latin1");
      const value = values[i] ?? null;
      this.#put(name, value);
      // What ran ahead has arrived; a head value of a later batch is another buffer and stays.
      if (this.#head.get(name) === value) this.#head.delete(name);
    }
  }

  resetHead(): void {
    this.#head.clear();
  }

  /** The staged values become the cut in flight. */
  cut(): ReadonlyMap<string, Value> {
    this.#cut = this.#staged;
    this.#staged = new Map();
    this.#stagedBytes = 0;
    return this.#cut;
  }

  /** The cut is on disk. */
  committed(): void {
    this.#cut = new Map();
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

  drop(): void {
    this.#head.clear();
    this.#staged.clear();
    this.#cut = new Map();
    this.#stagedBytes = 0;
  }

  #put(name: string, value: Value): void {
    const before = this.#staged.get(name);
    if (before !== undefined) this.#stagedBytes -= name.length + (before?.length ?? 0);
    this.#staged.set(name, value);
    this.#stagedBytes += name.length + (value?.length ?? 0);
  }
}
