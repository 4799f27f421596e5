package io.outrigger;

import java.util.Objects;

/**
 * How a stream's records are written.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class Produced<K, V> {
  final Serde<K> keySerde;
  final Serde<V> valueSerde;
  final String name;

  private Produced(Serde<K> keySerde, Serde<V> valueSerde, String name) {
    this.keySerde = Objects.requireNonNull(keySerde, "keySerde");
    this.valueSerde = Objects.requireNonNull(valueSerde, "valueSerde");
    this.name = name;
  }

  /**
   * Writes with these serdes.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param keySerde the keys' serde
   * @param valueSerde the values' serde
   * @return how records are written
   */
  public static <K, V> Produced<K, V> with(Serde<K> keySerde, Serde<V> valueSerde) {
    return new Produced<>(keySerde, valueSerde, null);
  }

  /**
   * The same for a sink of this name.
   *
   * @param name the node's name, the same after a restart
   * @return how records are written
   */
  public Produced<K, V> withName(String name) {
    return new Produced<>(keySerde, valueSerde, name);
  }
}
