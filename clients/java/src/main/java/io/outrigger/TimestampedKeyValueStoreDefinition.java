package io.outrigger;

import java.time.Duration;
import java.util.Objects;

/**
 * A key-value store whose values carry a timestamp, declared: give it to {@link KStream#process} and to
 * {@link ProcessorContext#getStateStore}.
 *
 * @param <K> the type of its keys
 * @param <V> the type of its values
 * @param name the name, the same after a restart; its changelog is
 *     {@code <application.id>-<name>-changelog}
 * @param keySerde how keys are written
 * @param valueSerde how values are written
 * @param ttlMs how long an entry lives by stream time, in ms; 0: for ever
 */
public record TimestampedKeyValueStoreDefinition<K, V>(
    String name, Serde<K> keySerde, Serde<V> valueSerde, long ttlMs) implements StoreDefinition {
  /**
   * Refuses a definition that lacks something.
   *
   * @param name the name
   * @param keySerde how keys are written
   * @param valueSerde how values are written
   * @param ttlMs how long an entry lives
   */
  public TimestampedKeyValueStoreDefinition {
    Objects.requireNonNull(name, "the name of a store is null");
    Objects.requireNonNull(keySerde, () -> "the store \"" + name + "\" has no serde for keys");
    Objects.requireNonNull(valueSerde, () -> "the store \"" + name + "\" has no serde for values");
  }

  /**
   * The same store with entries that are gone when stream time is so far past their timestamp. The wall
   * clock plays no part: an entry lives on while no record comes.
   *
   * @param ttl whole ms, 1 or more
   * @return the definition
   * @throws IllegalArgumentException for any other duration
   */
  public TimestampedKeyValueStoreDefinition<K, V> withTtl(Duration ttl) {
    long ms = Durations.atLeast(1, "a time to live", ttl);
    return new TimestampedKeyValueStoreDefinition<>(name, keySerde, valueSerde, ms);
  }

  /** How it is on the wire: a store of values that carry their timestamps. */
  KeyValueStoreDefinition<K, ValueAndTimestamp<V>> stamped() {
    return new KeyValueStoreDefinition<>(name, keySerde, ValueAndTimestamp.serde(valueSerde));
  }
}
