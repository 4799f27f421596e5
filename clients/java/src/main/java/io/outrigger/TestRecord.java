package io.outrigger;

import java.util.List;

/**
 * A record as a test writes or reads it with a {@link TestDriver}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 * @param key the key
 * @param value the value
 * @param timestamp in ms since the epoch; null takes the driver's clock when it is piped
 * @param headers in their order
 * @param partition null has the key decide when it is piped, as Java's client does
 * @param offset where it stands; of no meaning when it is piped
 */
public record TestRecord<K, V>(
    K key, V value, Long timestamp, List<Header> headers, Integer partition, long offset) {
  /**
   * A record at the driver's clock, without headers.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param key the key
   * @param value the value
   * @return the record
   */
  public static <K, V> TestRecord<K, V> of(K key, V value) {
    return new TestRecord<>(key, value, null, List.of(), null, 0);
  }

  /**
   * A record of a time, with headers.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param key the key
   * @param value the value
   * @param timestamp in ms since the epoch
   * @param headers in their order
   * @return the record
   */
  public static <K, V> TestRecord<K, V> at(
      long timestamp, K key, V value, Header... headers) {
    return new TestRecord<>(key, value, timestamp, List.of(headers), null, 0);
  }
}
