package io.outrigger;

/**
 * Makes another value of a record's: for {@link KStream#mapValues(ValueMapper)}.
 *
 * @param <V> the value's type
 * @param <VR> the result's type
 */
@FunctionalInterface
public interface ValueMapper<V, VR> {
  /**
   * Maps one record's value.
   *
   * @param value the value
   * @return what becomes of it
   * @throws Exception to fail the record
   */
  VR apply(V value) throws Exception;
}
