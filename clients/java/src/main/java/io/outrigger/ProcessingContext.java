package io.outrigger;

/** What any processor may do besides computing and forwarding. */
public interface ProcessingContext {
  /**
   * A store that was given to {@code process} or {@code processValues}.
   *
   * @param <SK> the type of its keys
   * @param <SV> the type of its values
   * @param definition the store as it was declared
   * @return the store as this record sees it
   * @throws IllegalArgumentException where it was not given to this processor
   */
  <SK, SV> KeyValueStore<SK, SV> getStateStore(KeyValueStoreDefinition<SK, SV> definition);

  /**
   * A timestamped store that was given to {@code process} or {@code processValues}.
   *
   * @param <SK> the type of its keys
   * @param <SV> the type of its values
   * @param definition the store as it was declared
   * @return the store as this record sees it
   * @throws IllegalArgumentException where it was not given to this processor
   */
  <SK, SV> TimestampedKeyValueStore<SK, SV> getStateStore(
      TimestampedKeyValueStoreDefinition<SK, SV> definition);

  /**
   * The timers of the record's key; for a processor that takes them, as a {@link TimedProcessor} does.
   *
   * @return the timers
   */
  Timers timers();

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
