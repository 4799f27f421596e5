package io.outrigger;

import java.util.Objects;

/**
 * How a stream is repartitioned. What is not said: as its records were read, while their types are the
 * same, else the application's default serdes; and as many partitions as the most of the sources above.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class Repartitioned<K, V> {
  final StreamSerdes serdes;
  final String name;

  /** 0 takes as many as the most of the sources above. */
  final int numberOfPartitions;

  private Repartitioned(StreamSerdes serdes, String name, int numberOfPartitions) {
    this.serdes = serdes;
    this.name = name;
    this.numberOfPartitions = numberOfPartitions;
  }

  static <K, V> Repartitioned<K, V> byOrder() {
    return new Repartitioned<>(StreamSerdes.UNKNOWN, null, 0);
  }

  /**
   * Names the node and its topic: {@code <application.id>-<name>-repartition}.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param name the name, the same after a restart
   * @return how the stream is repartitioned
   */
  public static <K, V> Repartitioned<K, V> as(String name) {
    return Repartitioned.<K, V>byOrder().withName(name);
  }

  /**
   * Writes with these serdes.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param keySerde the keys' serde
   * @param valueSerde the values' serde
   * @return how the stream is repartitioned
   */
  public static <K, V> Repartitioned<K, V> with(Serde<K> keySerde, Serde<V> valueSerde) {
    return Repartitioned.<K, V>byOrder().withKeySerde(keySerde).withValueSerde(valueSerde);
  }

  /**
   * Makes so many partitions.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param numberOfPartitions how many, above 0
   * @return how the stream is repartitioned
   * @throws IllegalArgumentException where it is not so
   */
  public static <K, V> Repartitioned<K, V> numberOfPartitions(int numberOfPartitions) {
    return Repartitioned.<K, V>byOrder().withNumberOfPartitions(numberOfPartitions);
  }

  /**
   * The same under this name.
   *
   * @param name the name, the same after a restart
   * @return how the stream is repartitioned
   */
  public Repartitioned<K, V> withName(String name) {
    Objects.requireNonNull(name, "the name of a node is null");
    return new Repartitioned<>(serdes, name, numberOfPartitions);
  }

  /**
   * The same with so many partitions.
   *
   * @param numberOfPartitions how many, above 0
   * @return how the stream is repartitioned
   * @throws IllegalArgumentException where it is not so
   */
  public Repartitioned<K, V> withNumberOfPartitions(int numberOfPartitions) {
    if (numberOfPartitions <= 0) {
      throw new IllegalArgumentException(
          numberOfPartitions + " partitions are asked for: it must be above 0");
    }
    return new Repartitioned<>(serdes, name, numberOfPartitions);
  }

  /**
   * The same with this serde for keys.
   *
   * @param keySerde the keys' serde
   * @return how the stream is repartitioned
   */
  public Repartitioned<K, V> withKeySerde(Serde<K> keySerde) {
    StreamSerdes chosen = serdes.withKey(Objects.requireNonNull(keySerde, "keySerde"));
    return new Repartitioned<>(chosen, name, numberOfPartitions);
  }

  /**
   * The same with this serde for values.
   *
   * @param valueSerde the values' serde
   * @return how the stream is repartitioned
   */
  public Repartitioned<K, V> withValueSerde(Serde<V> valueSerde) {
    StreamSerdes chosen = serdes.withValue(Objects.requireNonNull(valueSerde, "valueSerde"));
    return new Repartitioned<>(chosen, name, numberOfPartitions);
  }
}
