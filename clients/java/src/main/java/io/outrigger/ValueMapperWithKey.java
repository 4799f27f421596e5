package io.outrigger;

/**
 * Makes another value of a record's: for {@link KStream#mapValues(ValueMapperWithKey)}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 * @param <VR> the result's type
 */
@FunctionalInterface
public interface ValueMapperWithKey<K, V, VR> {
  /**
   * Maps one record's value.
   *
   * @param key the key, which stays
   * @param value the value
   * @return what becomes of it
   * @throws Exception to fail the record
   */
  VR apply(K key, V value) throws Exception;
}
