package io.outrigger;

/**
 * What a processor may do besides computing.
 *
 * @param <K> the type of the keys that it forwards
 * @param <V> the type of the values that it forwards
 */
public interface ProcessorContext<K, V> extends ProcessingContext {
  /**
   * Sends a record on, to the nodes below in the order of their declaration, and returns when they are
   * done with it. It is written in the transaction of its input's offset.
   *
   * @param record the record; made of the one at hand by {@code withKey} and {@code withValue} it keeps
   *     timestamp and headers
   */
  void forward(Record<K, V> record);

  /**
   * Sends a record on with the timestamp and the headers of the one at hand.
   *
   * @param key the key
   * @param value the value
   */
  void forward(K key, V value);

  /**
   * Asks for a hook: it runs once the record has committed, at least once. Its request has the key,
   * timestamp and headers of the record at hand. A record that fails has asked for nothing.
   *
   * @param <P> the payload's type
   * @param hook the hook as it was declared
   * @param payload the request's value
   * @throws IllegalArgumentException where it is of another application
   */
  <P> void afterCommit(Hook<P> hook, P payload);
}
