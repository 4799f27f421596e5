package io.outrigger;

import java.util.Objects;

/**
 * The name of a node, and what becomes of records that it fails on. Names must be the same whenever
 * the application starts; one that is left out is made from the order of the calls.
 */
public final class Named {
  static final Named BY_ORDER = new Named(null, null);

  final String name;

  /** Null leaves it to the sidecar's configuration. */
  final FailurePolicy failurePolicy;

  private Named(String name, FailurePolicy failurePolicy) {
    this.name = name;
    this.failurePolicy = failurePolicy;
  }

  /**
   * Names a node.
   *
   * @param name letters, digits, {@code .}, {@code _} and {@code -}
   * @return the name
   */
  public static Named as(String name) {
    return new Named(Objects.requireNonNull(name, "the name of a node is null"), null);
  }

  /**
   * Leaves the name to the order of the calls.
   *
   * @return no name
   */
  public static Named byOrder() {
    return BY_ORDER;
  }

  /**
   * The same with this policy, for a node with code of yours.
   *
   * @param policy what becomes of records that the code fails on
   * @return the name with the policy
   */
  public Named withFailurePolicy(FailurePolicy policy) {
    return new Named(name, Objects.requireNonNull(policy, "the failure policy is null"));
  }
}
