package io.outrigger;

import java.util.Objects;

/**
 * How records are grouped: how those are written that come from your code, and what the topic is called
 * that they go through where their key has changed. What is not said: as they were read, while their types
 * are the same, else the application's default serdes; and the name of the aggregate's store.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class Grouped<K, V> {
  final StreamSerdes serdes;

  /** Null takes the store's. */
  final String name;

  private Grouped(StreamSerdes serdes, String name) {
    this.serdes = serdes;
    this.name = name;
  }

  static <K, V> Grouped<K, V> byDefault() {
    return new Grouped<>(StreamSerdes.UNKNOWN, null);
  }

  /**
   * Names the topic: {@code <application.id>-<name>-repartition}.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param name the name, the same after a restart
   * @return how records are grouped
   */
  public static <K, V> Grouped<K, V> as(String name) {
    return Grouped.<K, V>byDefault().withName(name);
  }

  /**
   * Writes with these serdes.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param keySerde the keys' serde
   * @param valueSerde the values' serde
   * @return how records are grouped
   */
  public static <K, V> Grouped<K, V> with(Serde<K> keySerde, Serde<V> valueSerde) {
    return Grouped.<K, V>byDefault().withKeySerde(keySerde).withValueSerde(valueSerde);
  }

  /**
   * Names the topic, and writes it with these serdes.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param name the name, the same after a restart
   * @param keySerde the keys' serde
   * @param valueSerde the values' serde
   * @return how records are grouped
   */
  public static <K, V> Grouped<K, V> with(String name, Serde<K> keySerde, Serde<V> valueSerde) {
    return with(keySerde, valueSerde).withName(name);
  }

  /**
   * The same under this name.
   *
   * @param name the name, the same after a restart
   * @return how records are grouped
   */
  public Grouped<K, V> withName(String name) {
    return new Grouped<>(serdes, Objects.requireNonNull(name, "the name of a grouping is null"));
  }

  /**
   * The same with this serde for keys.
   *
   * @param keySerde the keys' serde
   * @return how records are grouped
   */
  public Grouped<K, V> withKeySerde(Serde<K> keySerde) {
    return new Grouped<>(serdes.withKey(Objects.requireNonNull(keySerde, "keySerde")), name);
  }

  /**
   * The same with this serde for values.
   *
   * @param valueSerde the values' serde
   * @return how records are grouped
   */
  public Grouped<K, V> withValueSerde(Serde<V> valueSerde) {
    return new Grouped<>(serdes.withValue(Objects.requireNonNull(valueSerde, "valueSerde")), name);
  }
}
