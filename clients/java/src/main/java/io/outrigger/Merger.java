package io.outrigger;

/**
 * Combines the aggregates of two sessions of a key into one.
 *
 * @param <K> the key's type
 * @param <VA> the aggregate's type
 */
@FunctionalInterface
public interface Merger<K, VA> {
  /**
   * Combines two aggregates.
   *
   * @param key the key
   * @param aggOne what there is by then: of earlier sessions, or as it was begun
   * @param aggTwo that of the next session
   * @return the new aggregate
   * @throws Exception to fail the record
   */
  VA apply(K key, VA aggOne, VA aggTwo) throws Exception;
}
