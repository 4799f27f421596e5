package io.outrigger;

/**
 * What a processor that leaves the key as it is may do besides computing. It asks for no hooks.
 *
 * @param <K> the key's type
 * @param <V> the type of the values that it forwards
 */
public interface FixedKeyProcessorContext<K, V> extends ProcessingContext {
  /**
   * Sends a record on, to the nodes below in the order of their declaration, and returns when they are
   * done with it. It is written in the transaction of its input's offset.
   *
   * @param record the record, made of the one at hand by {@code withValue} and the like
   * @throws IllegalArgumentException where its key is that of another record; the record at hand fails
   */
  void forward(FixedKeyRecord<K, V> record);
}
