package io.outrigger;

/**
 * A store as a processor sees it: its own writes at once, those of failed records never. Keys are in the
 * order of their bytes, as in Kafka Streams.
 *
 * @param <K> the type of its keys
 * @param <V> the type of its values
 */
public interface KeyValueStore<K, V> {
  /**
   * The value of a key. The record's own key travels with the batch; any other is asked of the sidecar,
   * once in a batch.
   *
   * @param key the key; not null
   * @return its value; null where it has none
   */
  V get(K key);

  /**
   * Writes a value.
   *
   * @param key the key; not null
   * @param value the value; null deletes
   */
  void put(K key, V value);

  /**
   * Deletes a key, whether it has a value or not.
   *
   * @param key the key; not null
   */
  void delete(K key);

  /**
   * The entries from one key to another, both included. Asked of the sidecar page by page.
   *
   * @param from the first key; null is an open end
   * @param to the last key; null is an open end
   * @return the entries in ascending order
   */
  KeyValueIterator<K, V> range(K from, K to);

  /**
   * The same from the last key to the first.
   *
   * @param from the lowest key; null is an open end
   * @param to the highest key; null is an open end
   * @return the entries in descending order
   */
  KeyValueIterator<K, V> reverseRange(K from, K to);

  /**
   * The entries whose keys begin with the bytes of a prefix.
   *
   * @param <P> the type of the prefix
   * @param prefix the prefix; not null
   * @param prefixSerde how it is written
   * @return the entries in ascending order
   */
  <P> KeyValueIterator<K, V> prefixScan(P prefix, Serde<P> prefixSerde);

  /**
   * The same from the last key to the first.
   *
   * @param <P> the type of the prefix
   * @param prefix the prefix; not null
   * @param prefixSerde how it is written
   * @return the entries in descending order
   */
  <P> KeyValueIterator<K, V> reversePrefixScan(P prefix, Serde<P> prefixSerde);

  /**
   * Every entry.
   *
   * @return the entries in ascending order
   */
  default KeyValueIterator<K, V> all() {
    return range(null, null);
  }

  /**
   * Every entry from the last to the first.
   *
   * @return the entries in descending order
   */
  default KeyValueIterator<K, V> reverseAll() {
    return reverseRange(null, null);
  }
}
