package io.outrigger;

/**
 * Makes another key and value of a record's: for {@link KStream#map}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 * @param <VR> the result's type
 */
@FunctionalInterface
public interface KeyValueMapper<K, V, VR> {
  /**
   * Maps one record.
   *
   * @param key the key
   * @param value the value
   * @return what becomes of them
   * @throws Exception to fail the record
   */
  VR apply(K key, V value) throws Exception;
}
