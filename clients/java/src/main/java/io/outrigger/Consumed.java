package io.outrigger;

import java.util.Objects;

/**
 * How a stream's records are read.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class Consumed<K, V> {
  final Serde<K> keySerde;
  final Serde<V> valueSerde;
  final String name;

  private Consumed(Serde<K> keySerde, Serde<V> valueSerde, String name) {
    this.keySerde = Objects.requireNonNull(keySerde, "keySerde");
    this.valueSerde = Objects.requireNonNull(valueSerde, "valueSerde");
    this.name = name;
  }

  /**
   * Reads with these serdes.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param keySerde the keys' serde
   * @param valueSerde the values' serde
   * @return how records are read
   */
  public static <K, V> Consumed<K, V> with(Serde<K> keySerde, Serde<V> valueSerde) {
    return new Consumed<>(keySerde, valueSerde, null);
  }

  /**
   * The same for a source of this name.
   *
   * @param name the node's name, the same after a restart
   * @return how records are read
   */
  public Consumed<K, V> withName(String name) {
    return new Consumed<>(keySerde, valueSerde, name);
  }
}
