import type { Fold } from "./emitter.ts";
import { type FailurePolicy, wirePolicy } from "./failures.ts";
import { isPromise, type ProcessorContext } from "./process-context.ts";
import type { ProcessedRecord } from "./record.ts";
import { int64, type Serde } from "./serdes.ts";
import type { StoreDefinition } from "./stores.ts";
import {
  Aggregator,
  type NodeCode,
  Operation,
  type Serdes,
  StoreKind,
  type TopologyBuilder,
} from "./topology.ts";
import { type TumblingWindows, type Windowed, windowed } from "./windows.ts";

/** A key and a value, without the rest of the record. */
export interface KeyValue<K, V> {
  readonly key: K;
  readonly value: V;
}

export interface Named {
  /** Stable over restarts; made from the order of the calls where it is left out. */
  readonly name?: string;
}

/** For code of yours. */
export interface CodeOptions extends Named {
  /** What becomes of records that the code fails on; without it, the sidecar's configuration says. */
  readonly failurePolicy?: FailurePolicy;
}

/** A stream of records with keys `K` and values `V`. Nothing runs before `app.run()`. */
export class KStream<K, V> {
  readonly #builder: TopologyBuilder;
  readonly #node: string;
  readonly #serdes: Serdes;

  /** Made by `app.stream` and by the methods of streams. */
  constructor(builder: TopologyBuilder, node: string, serdes: Serdes) {
    this.#builder = builder;
    this.#node = node;
    this.#serdes = serdes;
  }

  /**
   * Runs your code on each record, in the order of its partition. A handler that throws leaves
   * nothing of its record behind; the record is tried again by the sidecar's policy.
   */
  process<K2 = K, V2 = V>(
    handler: (record: ProcessedRecord<K, V>, ctx: ProcessorContext<K2, V2>) => void | Promise<void>,
    options: CodeOptions & { readonly stores?: readonly StoreDefinition[] } = {},
  ): KStream<K2, V2> {
    const stores = (options.stores ?? []).map(({ name }) => name);
    for (const name of stores) this.#builder.addStore(name, StoreKind.KEY_VALUE);
    return this.#function(Operation.PROCESS, options, stores, (record, emitter) => {
      const context = emitter.context(record);
      const typed = context as unknown as ProcessorContext<K2, V2>;
      try {
        const pending = handler(record as ProcessedRecord<K, V>, typed);
        if (!isPromise(pending)) return context.finish();
        return pending.then(
          () => context.finish(),
          (error: unknown) => context.fail(error),
        );
      } catch (error: unknown) {
        return context.fail(error);
      }
    });
  }

  map<K2, V2>(
    mapper: (record: ProcessedRecord<K, V>) => KeyValue<K2, V2>,
    options: CodeOptions = {},
  ): KStream<K2, V2> {
    return this.#function(Operation.MAP, options, [], (record, emitter) => {
      const { key, value } = mapper(record as ProcessedRecord<K, V>);
      return emitter.forward(record, { key, value });
    });
  }

  mapValues<V2>(
    mapper: (value: V, key: K, record: ProcessedRecord<K, V>) => V2,
    options: CodeOptions = {},
  ): KStream<K, V2> {
    return this.#function(Operation.MAP_VALUES, options, [], (record, emitter) => {
      const typed = record as ProcessedRecord<K, V>;
      const value = mapper(typed.value, typed.key, typed);
      return emitter.forward(record, { key: record.key, value });
    });
  }

  filter(
    predicate: (record: ProcessedRecord<K, V>) => boolean,
    options: CodeOptions = {},
  ): KStream<K, V> {
    return this.#function(Operation.FILTER, options, [], (record, emitter) => {
      if (!predicate(record as ProcessedRecord<K, V>)) return;
      return emitter.forward(record, { key: record.key, value: record.value });
    });
  }

  /** Groups by the key that the records have. */
  groupByKey(): KGroupedStream<K, V> {
    return new KGroupedStream(this.#builder, this.#node, this.#serdes);
  }

  /** Writes a topic that must exist, with these serdes, or the application's default ones. */
  to(
    topic: string,
    serdes: { readonly key?: Serde<K>; readonly value?: Serde<V> } = {},
    options: Named = {},
  ): void {
    this.#builder.add({
      name: options.name,
      kind: { case: "sink", value: { topic } },
      parent: this.#node,
      input: this.#serdes,
      sink: this.#builder.serdes(serdes),
    });
  }

  #function<K2, V2>(
    operation: Operation,
    { name, failurePolicy }: CodeOptions,
    stores: string[],
    code: NodeCode,
  ): KStream<K2, V2> {
    const node = this.#builder.add({
      name,
      kind: { case: "function", value: { operation, stores, ...policyIn(failurePolicy) } },
      parent: this.#node,
      input: this.#serdes,
      code,
      stores,
    });
    // What follows gets values, not bytes: only a stage's entry reads, and only a sink writes.
    return new KStream(this.#builder, node, this.#serdes);
  }
}

export interface AggregateOptions<V2> extends CodeOptions {
  /** The store's name; its changelog is `<application.id>-<store>-changelog`. */
  readonly store?: string;
  readonly value: Serde<V2>;
}

export interface CountOptions extends Named {
  readonly store?: string;
}

/** Records grouped by key: fold them over all time, or by windows. */
export class KGroupedStream<K, V> {
  readonly #builder: TopologyBuilder;
  readonly #node: string;
  readonly #serdes: Serdes;

  constructor(builder: TopologyBuilder, node: string, serdes: Serdes) {
    this.#builder = builder;
    this.#node = node;
    this.#serdes = serdes;
  }

  windowedBy(windows: TumblingWindows): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStream(this.#builder, this.#node, this.#serdes, windows);
  }

  /** Folds the records of each key here, in your code; forwards each new value. */
  aggregate<V2>(
    initializer: () => V2,
    aggregator: (key: K, value: V, aggregate: V2) => V2,
    options: AggregateOptions<V2>,
  ): KStream<K, V2> {
    const node = addAggregate(this.#builder, this.#node, this.#serdes, null, {
      initializer,
      aggregator: aggregator as (key: unknown, value: unknown, aggregate: V2) => V2,
      options,
    });
    return new KStream(this.#builder, node, this.#serdes);
  }

  /** Counts the records of each key, in the sidecar. */
  count(options: CountOptions = {}): KStream<K, bigint> {
    const node = addCount(this.#builder, this.#node, this.#serdes, null, options);
    const value = int64 as Serde<unknown>;
    return new KStream(this.#builder, node, { key: this.#serdes.key, value });
  }
}

/** Records grouped by key and window. */
export class TimeWindowedKStream<K, V> {
  readonly #builder: TopologyBuilder;
  readonly #node: string;
  readonly #serdes: Serdes;
  readonly #windows: TumblingWindows;

  constructor(builder: TopologyBuilder, node: string, serdes: Serdes, windows: TumblingWindows) {
    this.#builder = builder;
    this.#node = node;
    this.#serdes = serdes;
    this.#windows = windows;
  }

  /**
   * Folds the records of each key and window, in your code; forwards each new value under the
   * windowed key. A record too late for its window is dropped and counted by the sidecar.
   */
  aggregate<V2>(
    initializer: () => V2,
    aggregator: (key: K, value: V, aggregate: V2) => V2,
    options: AggregateOptions<V2>,
  ): KStream<Windowed<K>, V2> {
    const node = addAggregate(this.#builder, this.#node, this.#serdes, this.#windows, {
      initializer,
      aggregator: aggregator as (key: unknown, value: unknown, aggregate: V2) => V2,
      options,
    });
    return new KStream(this.#builder, node, this.#serdes);
  }

  /** Counts the records of each key and window, in the sidecar. */
  count(options: CountOptions = {}): KStream<Windowed<K>, bigint> {
    const node = addCount(this.#builder, this.#node, this.#serdes, this.#windows, options);
    const key = windowed(this.#serdes.key, this.#windows.sizeMs) as Serde<unknown>;
    return new KStream(this.#builder, node, { key, value: int64 as Serde<unknown> });
  }
}

function addAggregate<V2>(
  builder: TopologyBuilder,
  parent: string,
  serdes: Serdes,
  windows: TumblingWindows | null,
  code: {
    readonly initializer: () => V2;
    readonly aggregator: (key: unknown, value: unknown, aggregate: V2) => V2;
    readonly options: AggregateOptions<V2>;
  },
): string {
  const { initializer, aggregator, options } = code;
  const store = builder.storeName(options.store, "aggregate");
  const fold: Fold<V2> = {
    store,
    windowSizeMs: windows?.sizeMs ?? null,
    serde: options.value,
    next: ({ key, value }, before) =>
      aggregator(key, value, before === undefined ? initializer() : before),
  };
  builder.addStore(store, windows === null ? StoreKind.KEY_VALUE : StoreKind.WINDOW);
  return builder.add({
    name: options.name,
    kind: {
      case: "aggregate",
      value: {
        ...aggregateOf(store, Aggregator.APPLICATION, windows),
        ...policyIn(options.failurePolicy),
      },
    },
    parent,
    input: serdes,
    aggregates: store,
    code: (record, emitter) => emitter.fold(record, fold),
  });
}

function addCount(
  builder: TopologyBuilder,
  parent: string,
  serdes: Serdes,
  windows: TumblingWindows | null,
  options: CountOptions,
): string {
  const store = builder.storeName(options.store, "count");
  builder.addStore(store, windows === null ? StoreKind.KEY_VALUE : StoreKind.WINDOW);
  return builder.add({
    name: options.name,
    kind: { case: "aggregate", value: aggregateOf(store, Aggregator.COUNT, windows) },
    parent,
    input: serdes,
  });
}

export function policyIn(policy: FailurePolicy | undefined): {
  failurePolicy?: NonNullable<ReturnType<typeof wirePolicy>>;
} {
  const failurePolicy = wirePolicy(policy);
  return failurePolicy === undefined ? {} : { failurePolicy };
}

function aggregateOf(
  store: string,
  aggregator: Aggregator,
  windows: TumblingWindows | null,
): {
  store: string;
  aggregator: Aggregator;
  tumbling?: { sizeMs: bigint; graceMs: bigint };
} {
  if (windows === null) return { store, aggregator };
  const tumbling = { sizeMs: BigInt(windows.sizeMs), graceMs: BigInt(windows.graceMs) };
  return { store, aggregator, tumbling };
}
