package io.outrigger;

/**
 * How an aggregate folds.
 *
 * @param windows null without windows
 */
record Fold(
    String store,
    TimeWindows windows,
    Serde<Object> serde,
    Initializer<Object> initializer,
    Aggregator<Object, Object, Object> aggregator) {

  Object next(Record<Object, Object> record, byte[] before) throws Exception {
    Object soFar = before == null ? initializer.apply() : serde.deserialize(before);
    return aggregator.apply(record.key(), record.value(), soFar);
  }
}
