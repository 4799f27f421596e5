package io.outrigger;

/**
 * Records grouped by key and window. A record that is too late for its window is dropped and counted by
 * the sidecar.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class TimeWindowedKStream<K, V> {
  private final Aggregation aggregation;

  TimeWindowedKStream(Aggregation aggregation) {
    this.aggregation = aggregation;
  }

  /**
   * Folds the records of each key and window in your code, and forwards each new value.
   *
   * @param <VR> the type of the aggregate
   * @param initializer begins an aggregate
   * @param aggregator folds a record into it; a record's value may be null
   * @param materialized how the aggregate is kept; it needs a serde for values
   * @return each new value, under its key and window
   */
  public <VR> KStream<Windowed<K>, VR> aggregate(
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
   * @param aggregator folds a record into it; a record's value may be null
   * @param named the node's name
   * @param materialized how the aggregate is kept; it needs a serde for values
   * @return each new value, under its key and window
   */
  public <VR> KStream<Windowed<K>, VR> aggregate(
      Initializer<VR> initializer,
      Aggregator<? super K, ? super V, VR> aggregator,
      Named named,
      Materialized<VR> materialized) {
    return aggregation.aggregate(initializer, aggregator, named, materialized);
  }

  /**
   * Counts the records of each key and window, in the sidecar.
   *
   * @return each new count, under its key and window
   */
  public KStream<Windowed<K>, Long> count() {
    return count(Named.BY_ORDER, Materialized.BY_ORDER);
  }

  /**
   * The same with a store of this name.
   *
   * @param materialized the store's name; a serde in it is not looked at: counts are int64
   * @return each new count, under its key and window
   */
  public KStream<Windowed<K>, Long> count(Materialized<?> materialized) {
    return count(Named.BY_ORDER, materialized);
  }

  /**
   * The same as a node of this name.
   *
   * @param named the node's name
   * @param materialized the store's name; a serde in it is not looked at: counts are int64
   * @return each new count, under its key and window
   */
  public KStream<Windowed<K>, Long> count(Named named, Materialized<?> materialized) {
    return aggregation.count(named, materialized);
  }
}
