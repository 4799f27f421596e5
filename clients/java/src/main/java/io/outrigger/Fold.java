package io.outrigger;

/**
 * How an aggregate folds. The first aggregate is what the initializer makes; a reduction's is null, of which
 * its aggregator and its merger make what they are given.
 *
 * @param windows null without windows
 * @param merger of sessions, else null
 */
record Fold(
    String store,
    Windowing windows,
    Serde<Object> serde,
    Initializer<Object> initializer,
    Aggregator<Object, Object, Object> aggregator,
    Merger<Object, Object> merger) {

  Fold at(String itsStore, Windowing itsWindows) {
    return new Fold(itsStore, itsWindows, serde, initializer, aggregator, merger);
  }

  /** Whether records without a value are no news: over all time and in sliding windows, as Kafka Streams. */
  boolean skipsNull() {
    return windows == null || windows.kind() == Windowing.Kind.SLIDING;
  }

  Object next(Record<Object, Object> record, Object before) throws Exception {
    Object soFar = before == null ? initializer.apply() : before;
    return aggregator.apply(record.key(), record.value(), soFar);
  }

  /** What a slot holds; null where it has no value. */
  Object read(BatchState state, int slot) {
    byte[] bytes = state.getSlot(slot);
    return bytes == null ? null : serde.deserialize(bytes);
  }

  // The builder's types have seen to it that the functions take what they are given.
  @SuppressWarnings("unchecked")
  static Fold aggregating(
      Serde<?> serde, Initializer<?> initializer, Aggregator<?, ?, ?> aggregator, Merger<?, ?> merger) {
    return new Fold(
        null,
        null,
        (Serde<Object>) serde,
        (Initializer<Object>) initializer,
        (Aggregator<Object, Object, Object>) aggregator,
        (Merger<Object, Object>) merger);
  }

  @SuppressWarnings("unchecked")
  static Fold reducing(Serde<?> serde, Reducer<?> reducer, boolean merges) {
    Reducer<Object> reduces = (Reducer<Object>) reducer;
    return aggregating(
        serde,
        () -> null,
        (key, value, soFar) -> soFar == null ? value : reduces.apply(soFar, value),
        merges ? (key, one, other) -> one == null ? other : reduces.apply(one, other) : null);
  }
}
