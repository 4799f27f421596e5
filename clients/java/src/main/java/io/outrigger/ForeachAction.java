package io.outrigger;

/**
 * Sees records go by: for {@link KStream#peek}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
@FunctionalInterface
public interface ForeachAction<K, V> {
  /**
   * Sees one record.
   *
   * @param key the key
   * @param value the value
   * @throws Exception to fail the record
   */
  void apply(K key, V value) throws Exception;
}
