package io.outrigger;

import java.util.Objects;

/**
 * How an aggregate is kept.
 *
 * @param <V> the type of the values
 */
public final class Materialized<V> {
  /** A store by the order of the calls, and nothing of its values. */
  static final Materialized<Object> BY_ORDER = new Materialized<>(null, null);

  final String storeName;
  final Serde<V> valueSerde;

  private Materialized(String storeName, Serde<V> valueSerde) {
    this.storeName = storeName;
    this.valueSerde = valueSerde;
  }

  /**
   * Names the store; its changelog is {@code <application.id>-<name>-changelog}. An aggregate needs a
   * serde too: {@link #withValueSerde}.
   *
   * @param storeName the name, the same after a restart
   * @return how the aggregate is kept
   */
  public static Materialized<Object> as(String storeName) {
    Objects.requireNonNull(storeName, "the name of a store is null");
    return new Materialized<>(storeName, null);
  }

  /**
   * Keeps values with this serde, in a store that is named by the order of the calls.
   *
   * @param <V> the type of the values
   * @param valueSerde the values' serde
   * @return how the aggregate is kept
   */
  public static <V> Materialized<V> with(Serde<V> valueSerde) {
    return new Materialized<>(null, Objects.requireNonNull(valueSerde, "valueSerde"));
  }

  /**
   * The same with this serde for values.
   *
   * @param <V2> the type of the values
   * @param serde the values' serde
   * @return how the aggregate is kept
   */
  public <V2> Materialized<V2> withValueSerde(Serde<V2> serde) {
    return new Materialized<>(storeName, Objects.requireNonNull(serde, "valueSerde"));
  }
}
