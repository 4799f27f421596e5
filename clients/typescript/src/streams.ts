import { BranchedKStream, type NoBranches } from "./branches.ts";
import { KGroupedStream } from "./grouped.ts";
import {
  type CodeOptions,
  type GroupedOptions,
  type Named,
  policyIn,
  type RepartitionOptions,
} from "./options.ts";
import type { FixedKeyProcessorContext, ProcessorContext } from "./process-context.ts";
import type { ForwardedRecord, ProcessedRecord, StreamRecord } from "./record.ts";
import type { Serde } from "./serdes.ts";
import type { Suppressed } from "./suppressed.ts";
import { declaredTimers, settled, timedCode } from "./timed.ts";
import type { FixedKeyTimedOptions, TimedOptions } from "./timers.ts";
import { type NodeCode, Operation } from "./topology.ts";
import { merged, serdesOf, type Upstream, withSerdes } from "./upstream.ts";

/** A key and a value, without the rest of the record. */
export interface KeyValue<K, V> {
  readonly key: K;
  readonly value: V;
}

type AnyOptions = TimedOptions<never, never, never>;

/** Where records may go whose topic is chosen for each. */
export interface ChosenTopics<K, V> extends CodeOptions {
  /** Each of them must exist. Their sinks are named `<name>-<topic>`. */
  readonly topics: readonly string[];
  readonly key?: Serde<K>;
  readonly value?: Serde<V>;
}

/** What code of the application may change: behind it, serdes of that part are not known. */
type Kept = "both" | "key" | "value" | "neither";

/** A stream of records with keys `K` and values `V`. Nothing runs before `app.run()`. */
export class KStream<K, V> {
  readonly #upstream: Upstream;

  /** Made by `app.stream` and by the methods of streams. */
  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /**
   * Runs your code on each record, in the order of its partition. A handler that throws leaves
   * nothing of its record behind; the record is tried again by the sidecar's policy. With `onTimer`
   * the code may set timers, with `punctuators` a clock calls it.
   */
  process<K2 = K, V2 = V>(
    handler: (record: ProcessedRecord<K, V>, ctx: ProcessorContext<K2, V2>) => void | Promise<void>,
    options: TimedOptions<K, K2, V2> = {},
  ): KStream<K2, V2> {
    return this.#function(Operation.PROCESS, "neither", options, (record, emitter) => {
      const context = emitter.context(record, false);
      const typed = context as unknown as ProcessorContext<K2, V2>;
      try {
        return settled(context, handler(record as ProcessedRecord<K, V>, typed));
      } catch (error: unknown) {
        return context.fail(error);
      }
    });
  }

  /** As `process`, under the record's own key: forwarding another one fails the record. */
  processValues<V2 = V>(
    handler: (
      record: ProcessedRecord<K, V>,
      ctx: FixedKeyProcessorContext<V2>,
    ) => void | Promise<void>,
    options: FixedKeyTimedOptions<K, V2> = {},
  ): KStream<K, V2> {
    return this.#function(Operation.PROCESS_VALUES, "key", options, (record, emitter) => {
      const context = emitter.context(record, true);
      const typed = context as unknown as FixedKeyProcessorContext<V2>;
      try {
        return settled(context, handler(record as ProcessedRecord<K, V>, typed));
      } catch (error: unknown) {
        return context.fail(error);
      }
    });
  }

  /** One record for one, key and value. */
  map<K2, V2>(
    mapper: (record: ProcessedRecord<K, V>) => KeyValue<K2, V2>,
    options: CodeOptions = {},
  ): KStream<K2, V2> {
    return this.#function(Operation.MAP, "neither", options, (record, emitter) => {
      const { key, value } = mapper(record as ProcessedRecord<K, V>);
      return emitter.become(record, key, value);
    });
  }

  /** One record for one; the key stays. */
  mapValues<V2>(
    mapper: (value: V, key: K, record: ProcessedRecord<K, V>) => V2,
    options: CodeOptions = {},
  ): KStream<K, V2> {
    return this.#function(Operation.MAP_VALUES, "key", options, (record, emitter) => {
      const typed = record as ProcessedRecord<K, V>;
      const value = mapper(typed.value, typed.key, typed);
      return emitter.become(record, record.key, value);
    });
  }

  /** Any number of records for one, key and value, in the order given. */
  flatMap<K2, V2>(
    mapper: (record: ProcessedRecord<K, V>) => Iterable<KeyValue<K2, V2>>,
    options: CodeOptions = {},
  ): KStream<K2, V2> {
    return this.#function(Operation.FLAT_MAP, "neither", options, (record, emitter) =>
      emitter.forwardEach(record, keyValuesOf(mapper(record as ProcessedRecord<K, V>))),
    );
  }

  /** Any number of records for one, in the order given; the key stays. */
  flatMapValues<V2>(
    mapper: (value: V, key: K, record: ProcessedRecord<K, V>) => Iterable<V2>,
    options: CodeOptions = {},
  ): KStream<K, V2> {
    return this.#function(Operation.FLAT_MAP_VALUES, "key", options, (record, emitter) => {
      const typed = record as ProcessedRecord<K, V>;
      const values = mapper(typed.value, typed.key, typed);
      return emitter.forwardEach(record, underKey(record, values));
    });
  }

  /** One record for one, under another key. */
  selectKey<K2>(
    selector: (record: ProcessedRecord<K, V>) => K2,
    options: CodeOptions = {},
  ): KStream<K2, V> {
    return this.#function(Operation.SELECT_KEY, "value", options, (record, emitter) => {
      const key = selector(record as ProcessedRecord<K, V>);
      return emitter.become(record, key, record.value);
    });
  }

  /** The records that the predicate holds for. */
  filter(
    predicate: (record: ProcessedRecord<K, V>) => boolean,
    options: CodeOptions = {},
  ): KStream<K, V> {
    return this.#function(Operation.FILTER, "both", options, (record, emitter) =>
      predicate(record as ProcessedRecord<K, V>) ? emitter.pass(record) : undefined,
    );
  }

  /** The records that the predicate does not hold for. */
  filterNot(
    predicate: (record: ProcessedRecord<K, V>) => boolean,
    options: CodeOptions = {},
  ): KStream<K, V> {
    return this.filter((record) => !predicate(record), options);
  }

  /** Shows each record to your code, and goes on with it as it is. */
  peek(action: (record: ProcessedRecord<K, V>) => void, options: CodeOptions = {}): KStream<K, V> {
    return this.#function(Operation.PEEK, "both", options, (record, emitter) => {
      action(record as ProcessedRecord<K, V>);
      return emitter.pass(record);
    });
  }

  /**
   * Into branches: `.branch(predicate, name)` for each, then `.defaultBranch(name)` or `.noDefaultBranch()`,
   * which return the streams by name. Each record goes to the first branch whose predicate holds.
   */
  split(options: CodeOptions = {}): BranchedKStream<K, V, NoBranches> {
    const predicates: ((record: ProcessedRecord<unknown, unknown>) => boolean)[] = [];
    const upstream = this.#add(Operation.BRANCH, "both", options, (record, emitter) => {
      const branch = predicates.findIndex((predicate) => predicate(record));
      return branch < 0 ? undefined : emitter.passTo(branch, record);
    });
    return new BranchedKStream(upstream, predicates, streamOf);
  }

  /**
   * The records of both streams, in no order between them. Throws where both read their keys, or their
   * values, with different serdes.
   */
  merge(other: KStream<K, V>): KStream<K, V> {
    return new KStream(merged(this.#upstream, other.#upstream));
  }

  /**
   * Gives each record to the task that its key belongs to, through the topic
   * `<application.id>-<name>-repartition`, which is the sidecar's. Throws a RangeError where the number of
   * partitions is none.
   */
  repartition(options: RepartitionOptions<K, V> = {}): KStream<K, V> {
    const { name, partitions = 0 } = options;
    if (!Number.isSafeInteger(partitions) || partitions < 0) {
      throw new RangeError(`a topic of ${partitions} partitions is none: give a number from 1 on`);
    }
    const upstream = withSerdes(this.#upstream, options);
    const serdes = serdesOf(upstream);
    const node = upstream.builder.add({
      name,
      kind: { case: "repartition", value: { partitions } },
      parents: upstream.nodes,
      input: serdes,
    });
    return new KStream({ builder: upstream.builder, nodes: [node], serdes });
  }

  /**
   * Holds the results of an aggregate back until they are final, or for a time: right behind the aggregate.
   * What is held back is in a store of the node, `<name>-store`.
   */
  suppress(suppressed: Suppressed, options: Named = {}): KStream<K, V> {
    const { builder, nodes, serdes } = this.#upstream;
    const node = builder.add({
      name: options.name,
      kind: { case: "suppress", value: suppressed.declared },
      parents: nodes,
      input: serdesOf(this.#upstream),
    });
    return new KStream({ builder, nodes: [node], serdes });
  }

  /** Groups by the key that the records have. */
  groupByKey(options: GroupedOptions<K, V> = {}): KGroupedStream<K, V> {
    const upstream = withSerdes(this.#upstream, options);
    return new KGroupedStream({ upstream, windows: null, repartition: options.name }, streamOf);
  }

  /** Groups by another key: `selectKey`, then `groupByKey`. */
  groupBy<K2>(
    selector: (record: ProcessedRecord<K, V>) => K2,
    options: GroupedOptions<K2, V> & CodeOptions = {},
  ): KGroupedStream<K2, V> {
    return this.selectKey(selector, options).groupByKey(options);
  }

  /** Writes a topic that must exist, with these serdes, or the application's default ones. */
  to(
    topic: string,
    serdes?: { readonly key?: Serde<K>; readonly value?: Serde<V> },
    options?: Named,
  ): void;
  /**
   * Writes each record to the topic that `choose` names, one of `options.topics`, as Kafka Streams'
   * `TopicNameExtractor`. Another name fails the record.
   */
  to(choose: (record: ProcessedRecord<K, V>) => string, options: ChosenTopics<K, V>): void;
  to(
    topic: string | ((record: ProcessedRecord<K, V>) => string),
    serdes: Partial<ChosenTopics<K, V>> = {},
    options: Named = {},
  ): void {
    if (typeof topic === "function") {
      this.#toChosen(topic, serdes);
      return;
    }
    const { builder, nodes } = this.#upstream;
    builder.add({
      name: options.name,
      kind: { case: "sink", value: { topic } },
      parents: nodes,
      input: builder.serdes(serdes),
    });
  }

  /** A branch for each of the topics. */
  #toChosen(
    choose: (record: ProcessedRecord<K, V>) => string,
    { topics = [], ...options }: Partial<ChosenTopics<K, V>>,
  ): void {
    const children = new Map(topics.map((topic, index) => [topic, index]));
    if (children.size === 0 || children.size < topics.length) {
      throw new Error(
        `the topics to choose from are [${topics.join(", ")}]: name each of them once`,
      );
    }
    const upstream = this.#add(Operation.BRANCH, "both", options, (record, emitter) => {
      const chosen = choose(record as ProcessedRecord<K, V>);
      const child = children.get(chosen);
      if (child !== undefined) return emitter.passTo(child, record);
      const declared = topics.join(", ");
      throw new Error(
        `"${emitter.node.name}" chose the topic "${chosen}", it declares: ${declared}`,
      );
    });
    const [node] = upstream.nodes;
    for (const topic of topics)
      new KStream<K, V>(upstream).to(topic, options, { name: `${node}-${topic}` });
  }

  #function<K2, V2>(
    operation: Operation,
    kept: Kept,
    options: AnyOptions,
    code: NodeCode,
  ): KStream<K2, V2> {
    return new KStream(this.#add(operation, kept, options, code));
  }

  #add(
    operation: Operation,
    kept: Kept,
    { name, failurePolicy, stores: given = [], ...clocks }: AnyOptions,
    code: NodeCode,
  ): Upstream {
    const { builder, nodes: parents, serdes } = this.#upstream;
    const stores = given.map((store) => store.name);
    for (const store of given) builder.addUserStore(store);
    const timers = declaredTimers(clocks);
    const timed = timedCode(clocks, operation === Operation.PROCESS_VALUES);
    const node = builder.add({
      name,
      kind: {
        case: "function",
        value: { operation, stores, ...policyIn(failurePolicy), ...timers },
      },
      parents,
      input: serdesOf(this.#upstream),
      code,
      stores,
      timed,
    });
    const key = kept === "both" || kept === "key" ? serdes.key : null;
    const value = kept === "both" || kept === "value" ? serdes.value : null;
    return { builder, nodes: [node], serdes: { key, value } };
  }
}

function streamOf<K, V>(upstream: Upstream): KStream<K, V> {
  return new KStream(upstream);
}

function keyValuesOf(
  given: Iterable<KeyValue<unknown, unknown>>,
): readonly ForwardedRecord<unknown, unknown>[] {
  return Array.from(given, ({ key, value }) => ({ key, value }));
}

function underKey(
  { key }: StreamRecord,
  values: Iterable<unknown>,
): readonly ForwardedRecord<unknown, unknown>[] {
  return Array.from(values, (value) => ({ key, value }));
}
