package io.outrigger;

/**
 * Says whether a record goes on: for {@link KStream#filter}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
@FunctionalInterface
public interface Predicate<K, V> {
  /**
   * Looks at one record.
   *
   * @param key the key
   * @param value the value
   * @return whether the record goes on
   * @throws Exception to fail the record
   */
  boolean test(K key, V value) throws Exception;
}
