package io.outrigger;

/**
 * A key and a value, without the rest of a record.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 * @param key the key
 * @param value the value
 */
public record KeyValue<K, V>(K key, V value) {
  /**
   * Makes one, by Kafka Streams' name for it.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param key the key
   * @param value the value
   * @return the pair
   */
  public static <K, V> KeyValue<K, V> pair(K key, V value) {
    return new KeyValue<>(key, value);
  }
}
