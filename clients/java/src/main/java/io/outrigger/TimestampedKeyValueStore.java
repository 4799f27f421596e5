package io.outrigger;

/**
 * A store whose values carry timestamps, as a processor sees it.
 *
 * @param <K> the type of its keys
 * @param <V> the type of its values
 */
public interface TimestampedKeyValueStore<K, V> extends KeyValueStore<K, ValueAndTimestamp<V>> {
  /**
   * Writes a value with the timestamp of the record.
   *
   * @param key the key; not null
   * @param value the value; null deletes
   */
  void putValue(K key, V value);
}
