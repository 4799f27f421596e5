package io.outrigger;

import io.outrigger.gen.v1.Punctuator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The name of a node, and what becomes of records that it fails on. Names must be the same whenever
 * the application starts; one that is left out is made from the order of the calls.
 */
public final class Named {
  static final Named BY_ORDER = new Named(null, null, List.of());

  final String name;

  /** Null leaves it to the sidecar's configuration. */
  final FailurePolicy failurePolicy;

  /** Of a processor that a clock calls. */
  final List<Punctuator> punctuators;

  private Named(String name, FailurePolicy failurePolicy, List<Punctuator> punctuators) {
    this.name = name;
    this.failurePolicy = failurePolicy;
    this.punctuators = punctuators;
  }

  /**
   * Names a node.
   *
   * @param name letters, digits, {@code .}, {@code _} and {@code -}
   * @return the name
   */
  public static Named as(String name) {
    return new Named(Objects.requireNonNull(name, "the name of a node is null"), null, List.of());
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
    Objects.requireNonNull(policy, "the failure policy is null");
    return new Named(name, policy, punctuators);
  }

  /**
   * The same with a punctuator, for a {@link TimedProcessor}: its {@code onPunctuate} is called in each task,
   * each time that the clock has moved on by the interval. By stream time the first call comes with the
   * task's first record, by the wall clock an interval after the start; what was missed is one call.
   *
   * @param punctuator its name, unique within its node and stable: the schedule is kept under it
   * @param interval from one call to the next, in whole ms, above 0
   * @param clock what it goes by
   * @return the name with the punctuator
   */
  public Named withPunctuator(String punctuator, Duration interval, TimerClock clock) {
    List<Punctuator> all = new ArrayList<>(punctuators);
    all.add(
        Punctuator.newBuilder()
            .setName(punctuator)
            .setClock(clock.wire)
            .setIntervalMs(Durations.atLeast(1, "an interval", interval))
            .build());
    return new Named(name, failurePolicy, List.copyOf(all));
  }
}
