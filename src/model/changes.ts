import { hashOf, type KeyColumns } from "./key-table.ts";
import { copySlice } from "./slices.ts";
import { packValues, type ValueColumns, valuesOf } from "./value-columns.ts";

/**
 * New values of one store, each key at most once; the buffers are kept, so whoever made it must not write
 * to them again.
 */
export interface StoreChanges {
  /** Index into the task's stores. */
  readonly store: number;
  readonly keys: readonly Buffer[];
  /** null deletes. */
  readonly values: readonly (Buffer | null)[];
  /** The same by columns, where they were made so: then the lists are made when they are asked for. */
  readonly columns?: ChangeColumns;
}

export interface ChangeColumns {
  readonly keys: KeyColumns;
  /** By key; a length of -1 deletes. */
  readonly values: ValueColumns;
}

/** Changes that are made by columns: the hot paths touch no object for a key. */
export class ColumnChanges implements StoreChanges {
  readonly store: number;
  readonly columns: ChangeColumns;
  #keys: readonly Buffer[] | null = null;
  #values: readonly (Buffer | null)[] | null = null;

  constructor(store: number, keys: KeyColumns, values: ValueColumns) {
    this.store = store;
    this.columns = { keys, values };
  }

  get keys(): readonly Buffer[] {
    const { count, bytes, positions } = this.columns.keys;
    this.#keys ??= Array.from({ length: count }, (_, i) => {
      const position = positions[i * 2] as number;
      return bytes.subarray(position, position + (positions[i * 2 + 1] as number));
    });
    return this.#keys;
  }

  get values(): readonly (Buffer | null)[] {
    this.#values ??= valuesOf(this.columns.values);
    return this.#values;
  }
}

/** What is known of the keys that some are chosen from. */
type Choice = Pick<KeyColumns, "bytes" | "positions" | "found"> &
  Partial<Pick<KeyColumns, "hashes">>;

/** Some of a set of keys, over the same bytes. */
export class ChosenKeys {
  readonly #from: Choice;
  readonly #positions: Int32Array;
  readonly #hashes: Int32Array;
  readonly #entries: Int32Array | null;
  #count = 0;

  constructor(from: Choice, countMax: number) {
    this.#from = from;
    this.#positions = new Int32Array(countMax * 2);
    this.#hashes = new Int32Array(countMax);
    this.#entries = from.found === undefined ? null : new Int32Array(countMax);
  }

  get count(): number {
    return this.#count;
  }

  add(slot: number): void {
    const { bytes, positions, hashes, found } = this.#from;
    const at = this.#count++;
    const position = positions[slot * 2] as number;
    const length = positions[slot * 2 + 1] as number;
    this.#positions[at * 2] = position;
    this.#positions[at * 2 + 1] = length;
    this.#hashes[at] = hashes?.[slot] ?? hashOf(bytes, position, length);
    if (this.#entries !== null) this.#entries[at] = found?.entries[slot] as number;
  }

  columns(): KeyColumns {
    const { bytes, found } = this.#from;
    const keys = { count: this.#count, bytes, positions: this.#positions, hashes: this.#hashes };
    if (found === undefined || this.#entries === null) return keys;
    return { ...keys, found: { ...found, entries: this.#entries } };
  }
}

/** How many keys change. The lists are left alone: asked for, they would be made. */
export function countOf(changes: StoreChanges): number {
  return changes.columns?.keys.count ?? changes.keys.length;
}

/** The columns of any changes. */
export function columnsOf(changes: StoreChanges): ChangeColumns {
  return changes.columns ?? { keys: packKeys(changes.keys), values: packValues(changes.values) };
}

/** The keys one after the other. */
export function packKeys(keys: readonly Buffer[]): KeyColumns {
  let size = 0;
  for (const key of keys) size += key.length;
  const bytes = Buffer.allocUnsafe(size);
  const positions = new Int32Array(keys.length * 2);
  const hashes = new Int32Array(keys.length);
  let at = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as Buffer;
    copySlice(key, 0, bytes, at, key.length);
    positions[i * 2] = at;
    positions[i * 2 + 1] = key.length;
    hashes[i] = hashOf(bytes, at, key.length);
    at += key.length;
  }
  return { count: keys.length, bytes, positions, hashes };
}
