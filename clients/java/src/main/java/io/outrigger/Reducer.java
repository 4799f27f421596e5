package io.outrigger;

/**
 * Combines two values of a key into one.
 *
 * @param <V> the value's type
 */
@FunctionalInterface
public interface Reducer<V> {
  /**
   * Combines two values.
   *
   * @param value1 what there is by then
   * @param value2 the value that comes
   * @return the new value; null deletes it, and forwards a tombstone
   * @throws Exception to fail the record
   */
  V apply(V value1, V value2) throws Exception;
}
