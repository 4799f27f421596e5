package io.outrigger;

import java.util.List;

/**
 * Records grouped by key: fold them over all time, or by windows. Records without a key are skipped.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class KGroupedStream<K, V> {
  private final Aggregation aggregation;

  KGroupedStream(
      TopologyBuilder builder, List<String> nodes, StreamSerdes serdes, Grouped<K, V> grouped) {
    StreamSerdes chosen = serdes.orElse(grouped.serdes, builder.defaults);
    this.aggregation = new Aggregation(builder, nodes, chosen, grouped.name, null, null);
  }

  private KGroupedStream(Aggregation aggregation) {
    this.aggregation = aggregation;
  }

  /**
   * Says when results are forwarded: each update, or each key once per commit.
   *
   * @param emit the strategy
   * @return the same groups
   */
  public KGroupedStream<K, V> emitStrategy(EmitStrategy emit) {
    return new KGroupedStream<>(aggregation.emitting(emit));
  }

  /**
   * Folds by windows of time, tumbling or hopping.
   *
   * @param windows the windows
   * @return the groups by key and window
   */
  public TimeWindowedKStream<K, V> windowedBy(TimeWindows windows) {
    return new TimeWindowedKStream<>(aggregation.by(Windowing.of(windows)));
  }

  /**
   * Folds by windows that end where records are.
   *
   * @param windows the windows
   * @return the groups by key and window
   */
  public TimeWindowedKStream<K, V> windowedBy(SlidingWindows windows) {
    return new TimeWindowedKStream<>(aggregation.by(Windowing.of(windows)));
  }

  /**
   * Folds by windows of activity.
   *
   * @param windows the windows
   * @return the groups by key and session
   */
  public SessionWindowedKStream<K, V> windowedBy(SessionWindows windows) {
    return new SessionWindowedKStream<>(aggregation.by(Windowing.of(windows)));
  }

  /**
   * Folds the records of each key in your code, and forwards each new value.
   * Records without a value are skipped, as in Kafka Streams.
   *
   * @param <VR> the type of the aggregate
   * @param initializer begins an aggregate
   * @param aggregator folds a record into it
   * @param materialized how the aggregate is kept; it needs a serde for values
   * @return each new value, under its key
   */
  public <VR> KStream<K, VR> aggregate(
      Initializer<VR> initializer,
      Aggregator<? super K, ? super V, VR> aggregator,
      Materialized<VR> materialized) {
    return aggregate(initializer, aggregator, Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param <VR> the type of the aggregate
   * @param initializer begins an aggregate
   * @param aggregator folds a record into it
   * @param named the node's name
   * @param materialized how the aggregate is kept; it needs a serde for values
   * @return each new value, under its key
   */
  public <VR> KStream<K, VR> aggregate(
      Initializer<VR> initializer,
      Aggregator<? super K, ? super V, VR> aggregator,
      Named named,
      Materialized<VR> materialized) {
    return aggregation.aggregate(initializer, aggregator, null, named, materialized);
  }

  /**
   * Combines the records of each key in your code, and forwards each new value: the first is the
   * record's own.
   * Records without a value are skipped, as in Kafka Streams.
   *
   * @param reducer combines what there is with a value
   * @return each new value, under its key
   */
  public KStream<K, V> reduce(Reducer<V> reducer) {
    return reduce(reducer, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same with a store of this name, or with a serde for it.
   *
   * @param reducer combines what there is with a value
   * @param materialized how values are kept; without a serde, as the grouping's are written
   * @return each new value, under its key
   */
  public KStream<K, V> reduce(Reducer<V> reducer, Materialized<?> materialized) {
    return reduce(reducer, Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param reducer combines what there is with a value
   * @param named the node's name
   * @param materialized how values are kept; without a serde, as the grouping's are written
   * @return each new value, under its key
   */
  public KStream<K, V> reduce(
      Reducer<V> reducer, Named named, Materialized<?> materialized) {
    return aggregation.reduce(reducer, named, materialized);
  }

  /**
   * Counts the records of each key, in the sidecar.
   *
   * @return each new count, under its key
   */
  public KStream<K, Long> count() {
    return count(Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same with a store of this name.
   *
   * @param materialized the store's name; a serde in it is not looked at: counts are int64
   * @return each new count, under its key
   */
  public KStream<K, Long> count(Materialized<?> materialized) {
    return count(Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at: counts are int64
   * @return each new count, under its key
   */
  public KStream<K, Long> count(Named named, Materialized<?> materialized) {
    return aggregation.count(named, materialized);
  }

  /**
   * Adds the values of each key up, in the sidecar.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @return each new sum, under its key
   */
  public <N extends Number> KStream<K, N> sum(NumberType<N> number) {
    return sum(number, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at
   * @return each new sum, under its key
   */
  public <N extends Number> KStream<K, N> sum(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return aggregation.sum(number, named, materialized);
  }

  /**
   * Keeps the least value of each key, in the sidecar.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @return each new minimum, under its key
   */
  public <N extends Number> KStream<K, N> min(NumberType<N> number) {
    return min(number, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at
   * @return each new minimum, under its key
   */
  public <N extends Number> KStream<K, N> min(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return aggregation.min(number, named, materialized);
  }

  /**
   * Keeps the greatest value of each key, in the sidecar.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @return each new maximum, under its key
   */
  public <N extends Number> KStream<K, N> max(NumberType<N> number) {
    return max(number, Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same as a node of this name.
   *
   * @param <N> what handlers see
   * @param number what values are read as
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at
   * @return each new maximum, under its key
   */
  public <N extends Number> KStream<K, N> max(
      NumberType<N> number, Named named, Materialized<?> materialized) {
    return aggregation.max(number, named, materialized);
  }
}
