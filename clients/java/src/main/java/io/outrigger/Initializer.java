package io.outrigger;

/**
 * Begins an aggregate.
 *
 * @param <VA> the aggregate's type
 */
@FunctionalInterface
public interface Initializer<VA> {
  /**
   * The value before the first record.
   *
   * @return a new value; null where nothing stands for it
   * @throws Exception to fail the record
   */
  VA apply() throws Exception;
}
