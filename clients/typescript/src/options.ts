import { type FailurePolicy, wirePolicy } from "./failures.ts";
import type { Serde } from "./serdes.ts";
import type { StoreDefinition } from "./stores.ts";

export interface Named {
  /** Stable over restarts; made from the order of the calls where it is left out. */
  readonly name?: string;
}

/** For code of yours. */
export interface CodeOptions extends Named {
  /** What becomes of records that the code fails on; without it, the sidecar's configuration says. */
  readonly failurePolicy?: FailurePolicy;
}

/**
 * How records are written where they leave for the sidecar, to be counted or repartitioned. Default: as the
 * stream's are, and the application's default serdes behind code that may change the type.
 */
export interface GroupedOptions<K, V> {
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
  /** Of the topic `<application.id>-<name>-repartition`, should there be one. Default: the store's. */
  readonly name?: string;
}

export interface RepartitionOptions<K, V> extends Named {
  /** Default: as many as the most of the sources above. */
  readonly partitions?: number;
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
}

export interface ProcessOptions extends CodeOptions {
  readonly stores?: readonly StoreDefinition[];
}

export interface StoreOptions extends Named {
  /** The store's name; its changelog is `<application.id>-<store>-changelog`. */
  readonly store?: string;
}

export interface AggregateOptions<V2> extends StoreOptions, CodeOptions {
  readonly value: Serde<V2>;
}

export interface ReduceOptions<V> extends StoreOptions, CodeOptions {
  /** How the store keeps values. Default: as the grouped records are written. */
  readonly value?: Serde<V>;
}

export type CountOptions = StoreOptions;

/** How a number stands in a value: as Kafka's LongSerializer, DoubleSerializer or IntegerSerializer. */
export type NumberName = "int64" | "float64" | "int32";

/** What such a number is here. */
export type NumberOf<N extends NumberName> = N extends "int64" ? bigint : number;

export interface NumberOptions<N extends NumberName> extends StoreOptions {
  /** What the sidecar reads the grouped values as, and writes. */
  readonly number: N;
}

export function policyIn(policy: FailurePolicy | undefined): {
  failurePolicy?: NonNullable<ReturnType<typeof wirePolicy>>;
} {
  const failurePolicy = wirePolicy(policy);
  return failurePolicy === undefined ? {} : { failurePolicy };
}
