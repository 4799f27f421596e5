import { addCount, addFold, addNumbers, type Folding, type Grouping } from "./aggregates.ts";
import type { EmitStrategy } from "./emit.ts";
import type {
  AggregateOptions,
  CountOptions,
  NumberName,
  NumberOf,
  NumberOptions,
  ReduceOptions,
} from "./options.ts";
import type { Serde } from "./serdes.ts";
import type { KStream } from "./streams.ts";
import { type StreamOf, serdesOf, type Upstream } from "./upstream.ts";
import type { Windowed } from "./windowed.ts";
import type { SessionWindows, TimeWindows } from "./windows.ts";

type Aggregated<K, V, V2> = (key: K, value: V, aggregate: V2) => V2;
type Merger<K, V2> = (key: K, aggregate: V2, session: V2) => V2;
type Reducer<V> = (aggregate: V, value: V) => V;

/** What every kind of grouped records can be folded by. */
abstract class Grouped<K, V, RK, Gone> {
  protected readonly grouping: Grouping;
  protected readonly streamOf: StreamOf;

  constructor(grouping: Grouping, streamOf: StreamOf) {
    this.grouping = grouping;
    this.streamOf = streamOf;
  }

  /**
   * Folds the records of a key into one of their own kind, in your code: the first is the value, the reducer
   * makes one of each two. Forwards each new value; null deletes it.
   */
  reduce(reducer: Reducer<V>, options: ReduceOptions<V> = {}): KStream<RK, V | Gone> {
    const { upstream, windows } = this.grouping;
    const value = options.value ?? (serdesOf(upstream).value as Serde<unknown> as Serde<V>);
    const joined = (before: V | undefined, next: V): V =>
      before === undefined ? next : reducer(before, next);
    const isSession = windows?.kind === "session";
    const folding: Folding<V> = {
      next: (record, before) => joined(before, record.value as V),
      merge: isSession ? (_key, before, session) => joined(before, session) : null,
    };
    return this.#stream(addFold(this.grouping, "reduce", folding, { ...options, value }));
  }

  /** Counts the records, in the sidecar. */
  count(options: CountOptions = {}): KStream<RK, bigint | Gone> {
    return this.#stream(addCount(this.grouping, options));
  }

  /** Adds the values up, in the sidecar: int64 and int32 wrap, as Java's. Null values are skipped. */
  sum<N extends NumberName>(options: NumberOptions<N>): KStream<RK, NumberOf<N> | Gone> {
    return this.#stream(addNumbers(this.grouping, "sum", options));
  }

  /** The least of the values, in the sidecar. Null values are skipped. */
  min<N extends NumberName>(options: NumberOptions<N>): KStream<RK, NumberOf<N> | Gone> {
    return this.#stream(addNumbers(this.grouping, "min", options));
  }

  /** The greatest of the values, in the sidecar. Null values are skipped. */
  max<N extends NumberName>(options: NumberOptions<N>): KStream<RK, NumberOf<N> | Gone> {
    return this.#stream(addNumbers(this.grouping, "max", options));
  }

  protected folded<V2>(
    initializer: () => V2,
    aggregator: Aggregated<K, V, V2>,
    merger: Merger<K, V2> | null,
    options: AggregateOptions<V2>,
  ): KStream<RK, V2 | Gone> {
    const begun = (before: V2 | undefined): V2 => (before === undefined ? initializer() : before);
    const folding: Folding<V2> = {
      next: ({ key, value }, before) => aggregator(key as K, value as V, begun(before)),
      merge:
        merger === null ? null : (key, before, session) => merger(key as K, begun(before), session),
    };
    return this.#stream(addFold(this.grouping, "aggregate", folding, options));
  }

  #stream<V2>(result: Upstream): KStream<RK, V2> {
    return this.streamOf<RK, V2>(result);
  }
}

/** Records grouped by key: fold them over all time, or by windows. */
export class KGroupedStream<K, V> extends Grouped<K, V, K, never> {
  /** When results are forwarded: each update, or each key once per commit. */
  emitStrategy(emit: EmitStrategy): KGroupedStream<K, V> {
    return new KGroupedStream<K, V>({ ...this.grouping, emit }, this.streamOf);
  }

  /** By the windows that `tumbling`, `hopping` and `sliding` make, or by sessions, which `session` does. */
  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>;
  windowedBy(
    windows: TimeWindows | SessionWindows,
  ): TimeWindowedKStream<K, V> | SessionWindowedKStream<K, V> {
    const grouping = { ...this.grouping, windows };
    return windows.kind === "session"
      ? new SessionWindowedKStream<K, V>(grouping, this.streamOf)
      : new TimeWindowedKStream<K, V>(grouping, this.streamOf);
  }

  /** Folds the records of each key here, in your code; forwards each new value. Null deletes it. */
  aggregate<V2>(
    initializer: () => V2,
    aggregator: Aggregated<K, V, V2>,
    options: AggregateOptions<V2>,
  ): KStream<K, V2> {
    return this.folded(initializer, aggregator, null, options);
  }
}

/** Records grouped by key and window of time. */
export class TimeWindowedKStream<K, V> extends Grouped<K, V, Windowed<K>, never> {
  /** When results are forwarded: each update, each window once, or each key once per commit. */
  emitStrategy(emit: EmitStrategy): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStream<K, V>({ ...this.grouping, emit }, this.streamOf);
  }

  /**
   * Folds the records of each key and window, in your code; forwards each new value under the
   * windowed key. A record too late for its window is dropped and counted by the sidecar.
   */
  aggregate<V2>(
    initializer: () => V2,
    aggregator: Aggregated<K, V, V2>,
    options: AggregateOptions<V2>,
  ): KStream<Windowed<K>, V2> {
    return this.folded(initializer, aggregator, null, options);
  }
}

/** Records grouped by key and session. Null is forwarded for a session that becomes part of another. */
export class SessionWindowedKStream<K, V> extends Grouped<K, V, Windowed<K>, null> {
  /** When results are forwarded: each update, each session once, or each key once per commit. */
  emitStrategy(emit: EmitStrategy): SessionWindowedKStream<K, V> {
    return new SessionWindowedKStream<K, V>({ ...this.grouping, emit }, this.streamOf);
  }

  /**
   * Folds the records of each key and session, in your code; forwards each new value under the windowed key.
   * The merger makes one of what was folded so far and a session that the record joins to it.
   */
  aggregate<V2>(
    initializer: () => V2,
    aggregator: Aggregated<K, V, V2>,
    merger: Merger<K, V2>,
    options: AggregateOptions<V2>,
  ): KStream<Windowed<K>, V2 | null> {
    return this.folded(initializer, aggregator, merger, options);
  }
}
