import type { Serde } from "./serdes.ts";

/** A store of any types, declared. */
export interface StoreDefinition {
  readonly name: string;
}

/** A key-value store, declared: give it to `process` and to `ctx.store`. */
export interface KeyValueStoreDefinition<K, V> extends StoreDefinition {
  readonly key: Serde<K>;
  readonly value: Serde<V>;
}

/** Declares a key-value store, backed by the changelog `<application.id>-<name>-changelog`. */
export function keyValueStore<K, V>(
  name: string,
  serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
): KeyValueStoreDefinition<K, V> {
  return { name, ...serdes };
}

/** A store as a handler sees it: its own writes at once, those of failed records never. */
export interface KeyValueStore<K, V> {
  /** undefined for a key without a value. The record's own key travels with the batch: no hop. */
  get(key: K): Promise<V | undefined>;
  put(key: K, value: V): void;
  delete(key: K): void;
  /**
   * The entries of keys from `from` to `to`, both included, in the order of their bytes as Kafka
   * Streams' `range`; null is an open end. Asked of the sidecar page by page.
   */
  range(from: K | null, to: K | null, options?: RangeOptions): AsyncIterable<readonly [K, V]>;
  /** Every entry. */
  all(options?: RangeOptions): AsyncIterable<readonly [K, V]>;
}

export interface RangeOptions {
  /** From the last key to the first. Default: false. */
  readonly reverse?: boolean;
}
