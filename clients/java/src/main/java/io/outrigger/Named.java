package io.outrigger;

import java.util.Objects;

/**
 * The name of a node. Names must be the same whenever the application starts; one that is left out is
 * made from the order of the calls.
 */
public final class Named {
  static final Named BY_ORDER = new Named(null);

  final String name;

  private Named(String name) {
    this.name = name;
  }

  /**
   * Names a node.
   *
   * @param name letters, digits, {@code .}, {@code _} and {@code -}
   * @return the name
   */
  public static Named as(String name) {
    return new Named(Objects.requireNonNull(name, "the name of a node is null"));
  }
}
