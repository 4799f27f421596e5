package io.outrigger;

import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What a branch is called, and what becomes of it.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class Branched<K, V> {
  /** Null names it by its position. */
  final String name;

  /** What stands in the map for the branch: null where nothing does. */
  final Function<? super KStream<K, V>, ? extends KStream<K, V>> chain;

  private Branched(String name, Function<? super KStream<K, V>, ? extends KStream<K, V>> chain) {
    this.name = name;
    this.chain = chain;
  }

  static <K, V> Branched<K, V> byPosition() {
    return new Branched<>(null, branch -> branch);
  }

  /**
   * Names the branch: its node is {@code <split>-<name>}.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param name the name, the same after a restart
   * @return the branch
   */
  public static <K, V> Branched<K, V> as(String name) {
    return Branched.<K, V>byPosition().withName(name);
  }

  /**
   * Puts into the map what a function makes of the branch; nothing where it returns null.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param chain declares what follows the branch
   * @return the branch
   */
  public static <K, V> Branched<K, V> withFunction(
      Function<? super KStream<K, V>, ? extends KStream<K, V>> chain) {
    return new Branched<>(null, Objects.requireNonNull(chain, "the function is null"));
  }

  /**
   * Hands the branch to a consumer, and puts nothing into the map.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param chain declares what follows the branch
   * @return the branch
   */
  public static <K, V> Branched<K, V> withConsumer(Consumer<? super KStream<K, V>> chain) {
    Objects.requireNonNull(chain, "the consumer is null");
    return withFunction(
        branch -> {
          chain.accept(branch);
          return null;
        });
  }

  /**
   * The same under this name.
   *
   * @param name the name, the same after a restart
   * @return the branch
   */
  public Branched<K, V> withName(String name) {
    return new Branched<>(Objects.requireNonNull(name, "the name of a branch is null"), chain);
  }
}
