package io.outrigger;

import java.util.Objects;

/**
 * Records grouped by key and session. A record that is too late for its session is dropped and counted by
 * the sidecar.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class SessionWindowedKStream<K, V> {
  private final Aggregation aggregation;

  SessionWindowedKStream(Aggregation aggregation) {
    this.aggregation = aggregation;
  }

  /**
   * Says when results are forwarded: each update, each session once, or each key once per commit.
   *
   * @param emit the strategy
   * @return the same groups
   */
  public SessionWindowedKStream<K, V> emitStrategy(EmitStrategy emit) {
    return new SessionWindowedKStream<>(aggregation.emitting(emit));
  }

  /**
   * Folds the records of each key and session in your code, and forwards each new value.
   * A session that becomes part of another is forwarded as null.
   *
   * @param <VR> the type of the aggregate
   * @param initializer begins an aggregate
   * @param aggregator folds a record into it; a record's value may be null
   * @param sessionMerger combines the aggregates of sessions that become one
   * @param materialized how the aggregate is kept; it needs a serde for values
   * @return each new value, under its key and session
   */
  public <VR> KStream<Windowed<K>, VR> aggregate(
      Initializer<VR> initializer,
      Aggregator<? super K, ? super V, VR> aggregator,
      Merger<? super K, VR> sessionMerger,
      Materialized<VR> materialized) {
    return aggregate(initializer, aggregator, sessionMerger, Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param <VR> the type of the aggregate
   * @param initializer begins an aggregate
   * @param aggregator folds a record into it; a record's value may be null
   * @param sessionMerger combines the aggregates of sessions that become one
   * @param named the node's name
   * @param materialized how the aggregate is kept; it needs a serde for values
   * @return each new value, under its key and session
   */
  public <VR> KStream<Windowed<K>, VR> aggregate(
      Initializer<VR> initializer,
      Aggregator<? super K, ? super V, VR> aggregator,
      Merger<? super K, VR> sessionMerger,
      Named named,
      Materialized<VR> materialized) {
    Objects.requireNonNull(sessionMerger, "sessionMerger");
    return aggregation.aggregate(initializer, aggregator, sessionMerger, named, materialized);
  }

  /**
   * Combines the records of each key and session in your code, and forwards each new value: the first is the
   * record's own.
   * A session that becomes part of another is forwarded as null.
   *
   * @param reducer combines what there is with a value
   * @return each new value, under its key and session
   */
  public KStream<Windowed<K>, V> reduce(Reducer<V> reducer) {
    return reduce(reducer, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same with a store of this name, or with a serde for it.
   *
   * @param reducer combines what there is with a value
   * @param materialized how values are kept; without a serde, as the grouping's are written
   * @return each new value, under its key and session
   */
  public KStream<Windowed<K>, V> reduce(Reducer<V> reducer, Materialized<?> materialized) {
    return reduce(reducer, Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param reducer combines what there is with a value
   * @param named the node's name
   * @param materialized how values are kept; without a serde, as the grouping's are written
   * @return each new value, under its key and session
   */
  public KStream<Windowed<K>, V> reduce(
      Reducer<V> reducer, Named named, Materialized<?> materialized) {
    return aggregation.reduce(reducer, named, materialized);
  }

  /**
   * Counts the records of each key and session, in the sidecar.
   * A session that becomes part of another is forwarded as null.
   *
   * @return each new count, under its key and session
   */
  public KStream<Windowed<K>, Long> count() {
    return count(Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same with a store of this name.
   *
   * @param materialized the store's name; a serde in it is not looked at: counts are int64
   * @return each new count, under its key and session
   */
  public KStream<Windowed<K>, Long> count(Materialized<?> materialized) {
    return count(Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at: counts are int64
   * @return each new count, under its key and session
   */
  public KStream<Windowed<K>, Long> count(Named named, Materialized<?> materialized) {
    return aggregation.count(named, materialized);
  }

  /**
   * Adds the values of each key and session up, in the sidecar.
   * A session that becomes part of another is forwarded as null.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @return each new sum, under its key and session
   */
  public <N extends Number> KStream<Windowed<K>, N> sum(NumberType<N> number) {
    return sum(number, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at
   * @return each new sum, under its key and session
   */
  public <N extends Number> KStream<Windowed<K>, N> sum(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return aggregation.sum(number, named, materialized);
  }

  /**
   * Keeps the least value of each key and session, in the sidecar.
   * A session that becomes part of another is forwarded as null.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @return each new minimum, under its key and session
   */
  public <N extends Number> KStream<Windowed<K>, N> min(NumberType<N> number) {
    return min(number, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at
   * @return each new minimum, under its key and session
   */
  public <N extends Number> KStream<Windowed<K>, N> min(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return aggregation.min(number, named, materialized);
  }

  /**
   * Keeps the greatest value of each key and session, in the sidecar.
   * A session that becomes part of another is forwarded as null.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @return each new maximum, under its key and session
   */
  public <N extends Number> KStream<Windowed<K>, N> max(NumberType<N> number) {
    return max(number, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at
   * @return each new maximum, under its key and session
   */
  public <N extends Number> KStream<Windowed<K>, N> max(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return aggregation.max(number, named, materialized);
  }
}
