package io.outrigger;

/**
 * What a processor may do besides computing.
 *
 * @param <K> the type of the keys that it forwards
 * @param <V> the type of the values that it forwards
 */
public interface ProcessorContext<K, V> {
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

  /**
   * A store that was given to {@code process}.
   *
   * @param <SK> the type of its keys
   * @param <SV> the type of its values
   * @param definition the store as it was declared
   * @return the store as this record sees it
   * @throws IllegalArgumentException where it was not given to this processor
   */
  <SK, SV> KeyValueStore<SK, SV> getStateStore(KeyValueStoreDefinition<SK, SV> definition);

  /**
   * Whether the batch was taken away: what is computed from then on has no effect. Worth asking in long
   * loops.
   *
   * @return whether it was
   */
  boolean isRevoked();

  /**
   * Runs an action when the batch is taken away while this record is being processed; at once where it
   * was already. For instance to cancel a call that takes long. The action must not block.
   *
   * @param action what to do, at most once
   */
  void onRevoked(Runnable action);
}
