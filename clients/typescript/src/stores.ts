import { type Duration, durationMs } from "./durations.ts";
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

/** A timestamped key-value store, declared: give it to `process` and to `ctx.store`. */
export interface TimestampedKeyValueStoreDefinition<K, V> extends KeyValueStoreDefinition<K, V> {
  /** How long an entry lives in ms; 0: for ever. */
  readonly ttlMs: number;
}

/**
 * Declares a key-value store whose values carry a timestamp, as Kafka Streams' `TimestampedKeyValueStore`.
 * With `ttl` an entry is gone when stream time is so far past its timestamp; the wall clock plays no part,
 * so that it lives on while no record comes. Throws a RangeError for a `ttl` that is no duration above 0.
 */
export function timestampedKeyValueStore<K, V>(
  name: string,
  { ttl, ...serdes }: { readonly key: Serde<K>; readonly value: Serde<V>; readonly ttl?: Duration },
): TimestampedKeyValueStoreDefinition<K, V> {
  const ttlMs = ttl === undefined ? 0 : durationMs(ttl);
  if (ttl !== undefined && ttlMs <= 0) {
    throw new RangeError(
      `the store "${name}" has a ttl of ${ttl}: leave it out, or give more than 0`,
    );
  }
  return { name, ...serdes, ttlMs };
}

export function isTimestamped(
  store: StoreDefinition,
): store is TimestampedKeyValueStoreDefinition<unknown, unknown> {
  return "ttlMs" in store;
}

/** What stores of all kinds do. `G` is what is read of an entry. */
interface ReadableStore<K, G> {
  /** undefined for a key without a value. The record's own key travels with the batch: no hop. */
  get(key: K): Promise<G | undefined>;
  delete(key: K): void;
  /**
   * The entries of keys from `from` to `to`, both included, in the order of their bytes as Kafka
   * Streams' `range`; null is an open end. Asked of the sidecar page by page.
   */
  range(from: K | null, to: K | null, options?: RangeOptions): AsyncIterable<readonly [K, G]>;
  /** Every entry. */
  all(options?: RangeOptions): AsyncIterable<readonly [K, G]>;
  /**
   * The entries whose keys begin with the bytes of `prefix`, as Kafka Streams' `prefixScan`, in the order of
   * their bytes. It is written with the serde of the keys, or the one of the options.
   */
  prefix<P = K>(prefix: P, options?: PrefixOptions<P>): AsyncIterable<readonly [K, G]>;
}

/** A store as a handler sees it: its own writes at once, those of failed records never. */
export interface KeyValueStore<K, V> extends ReadableStore<K, V> {
  put(key: K, value: V): void;
}

/** A value, and when it was written. */
export interface ValueAndTimestamp<V> {
  readonly value: V;
  /** ms since the epoch. */
  readonly timestamp: number;
}

/** A store whose values carry timestamps, as a handler sees it. */
export interface TimestampedKeyValueStore<K, V> extends ReadableStore<K, ValueAndTimestamp<V>> {
  /** `timestamp` is the record's where it is left out. */
  put(key: K, value: V, timestamp?: number): void;
}

export interface RangeOptions {
  /** From the last key to the first. Default: false. */
  readonly reverse?: boolean;
}

export interface PrefixOptions<P> extends RangeOptions {
  /** How the prefix is written. Default: as the keys are. */
  readonly serde?: Serde<P>;
}
