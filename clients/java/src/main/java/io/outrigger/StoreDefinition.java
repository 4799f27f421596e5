package io.outrigger;

/** A store of any types, declared by {@link Stores}: give it to {@link KStream#process}. */
public sealed interface StoreDefinition
    permits KeyValueStoreDefinition, TimestampedKeyValueStoreDefinition {
  /**
   * Its name.
   *
   * @return the name, the same after a restart
   */
  String name();
}
