package io.outrigger;

/**
 * Folds a record into an aggregate.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 * @param <VA> the aggregate's type
 */
@FunctionalInterface
public interface Aggregator<K, V, VA> {
  /**
   * Folds one record.
   *
   * @param key the key
   * @param value the value
   * @param aggregate the value so far
   * @return the new value; null deletes it, and forwards a tombstone
   * @throws Exception to fail the record
   */
  VA apply(K key, V value, VA aggregate) throws Exception;
}
