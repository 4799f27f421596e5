package io.outrigger;

import java.util.Objects;

/**
 * A key-value store, declared: give it to {@link KStream#process} and to {@link
 * ProcessorContext#getStateStore}.
 *
 * @param <K> the type of its keys
 * @param <V> the type of its values
 * @param name the name, the same after a restart; its changelog is
 *     {@code <application.id>-<name>-changelog}
 * @param keySerde how keys are written
 * @param valueSerde how values are written
 */
public record KeyValueStoreDefinition<K, V>(String name, Serde<K> keySerde, Serde<V> valueSerde)
    implements StoreDefinition {
  /**
   * Refuses a definition that lacks something.
   *
   * @param name the name
   * @param keySerde how keys are written
   * @param valueSerde how values are written
   */
  public KeyValueStoreDefinition {
    Objects.requireNonNull(name, "the name of a store is null");
    Objects.requireNonNull(keySerde, () -> "the store \"" + name + "\" has no serde for keys");
    Objects.requireNonNull(valueSerde, () -> "the store \"" + name + "\" has no serde for values");
  }
}
