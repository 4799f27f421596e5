package io.outrigger;

/** Declares stores. */
public final class Stores {
  private Stores() {}

  /**
   * Declares a key-value store, backed by the changelog {@code <application.id>-<name>-changelog}.
   *
   * @param <K> the type of its keys
   * @param <V> the type of its values
   * @param name the name, the same after a restart
   * @param keySerde how keys are written
   * @param valueSerde how values are written
   * @return the definition
   */
  public static <K, V> KeyValueStoreDefinition<K, V> keyValueStore(
      String name, Serde<K> keySerde, Serde<V> valueSerde) {
    return new KeyValueStoreDefinition<>(name, keySerde, valueSerde);
  }

  /**
   * Declares a key-value store whose values carry a timestamp, as Kafka Streams'
   * TimestampedKeyValueStore.
   *
   * @param <K> the type of its keys
   * @param <V> the type of its values
   * @param name the name, the same after a restart
   * @param keySerde how keys are written
   * @param valueSerde how values are written
   * @return the definition
   */
  public static <K, V> TimestampedKeyValueStoreDefinition<K, V> timestampedKeyValueStore(
      String name, Serde<K> keySerde, Serde<V> valueSerde) {
    return new TimestampedKeyValueStoreDefinition<>(name, keySerde, valueSerde, 0);
  }
}
