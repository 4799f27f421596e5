package io.outrigger;

/** A timestamped store with its serdes, for one record. */
final class TimestampedStore<K, V> extends TypedStore<K, ValueAndTimestamp<V>>
    implements TimestampedKeyValueStore<K, V> {
  private final long timestamp;

  TimestampedStore(
      TimestampedKeyValueStoreDefinition<K, V> definition,
      BatchState state,
      ProcessContext context,
      long timestamp) {
    super(definition.stamped(), state, context);
    this.timestamp = timestamp;
  }

  @Override
  public void putValue(K key, V value) {
    put(key, new ValueAndTimestamp<>(value, timestamp));
  }
}
