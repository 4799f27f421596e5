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
}
