package io.outrigger;

import java.util.Objects;

/**
 * Records grouped by key: fold them over all time, or by windows. Records without a key are skipped.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class KGroupedStream<K, V> {
  private final Aggregation aggregation;

  KGroupedStream(TopologyBuilder builder, String node, SerdePair serdes) {
    this.aggregation = new Aggregation(builder, node, serdes, null);
  }

  /**
   * Folds by windows of time.
   *
   * @param windows the windows
   * @return the groups by key and window
   */
  public TimeWindowedKStream<K, V> windowedBy(TimeWindows windows) {
    return new TimeWindowedKStream<>(aggregation.by(Objects.requireNonNull(windows, "windows")));
  }

  /**
   * Folds the records of each key in your code, and forwards each new value. Records without a value
   * are skipped, as in Kafka Streams.
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
    return aggregation.aggregate(initializer, aggregator, named, materialized);
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
}
