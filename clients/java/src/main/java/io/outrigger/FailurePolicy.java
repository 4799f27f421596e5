package io.outrigger;

import java.time.Duration;
import java.util.Objects;

/**
 * What becomes of records that a node fails on: {@link Named#withFailurePolicy}. What is left out, the
 * sidecar's configuration says. The sidecar refuses values that are out of bounds.
 */
public final class FailurePolicy {
  private static final FailurePolicy NOTHING_SAID =
      new FailurePolicy(io.outrigger.gen.v1.FailurePolicy.getDefaultInstance());

  final io.outrigger.gen.v1.FailurePolicy wire;

  private FailurePolicy(io.outrigger.gen.v1.FailurePolicy wire) {
    this.wire = wire;
  }

  /** What becomes of a record whose tries are used up. */
  public enum Exhausted {
    /** Its task stops. */
    FAIL,
    /** It is stepped over; only a count tells of it. */
    SKIP,
    /** A dead letter is written. */
    DEAD_LETTER,
    /** Its key waits, until {@code outrigger dlq release}; needs {@code parked.enable}. */
    PARK;

    private io.outrigger.gen.v1.Exhausted wire() {
      return switch (this) {
        case FAIL -> io.outrigger.gen.v1.Exhausted.EXHAUSTED_FAIL;
        case SKIP -> io.outrigger.gen.v1.Exhausted.EXHAUSTED_SKIP;
        case DEAD_LETTER -> io.outrigger.gen.v1.Exhausted.EXHAUSTED_DEAD_LETTER;
        case PARK -> io.outrigger.gen.v1.Exhausted.EXHAUSTED_PARK;
      };
    }
  }

  /**
   * A policy that says nothing yet.
   *
   * @return the policy
   */
  public static FailurePolicy create() {
    return NOTHING_SAID;
  }

  /**
   * The same with so many retries.
   *
   * @param retries how often a record is tried again, 0 or more
   * @return the policy
   * @throws IllegalArgumentException where it is less
   */
  public FailurePolicy withRetryMax(int retries) {
    if (retries < 0) {
      throw new IllegalArgumentException(retries + " retries are none: give 0 or more");
    }
    return new FailurePolicy(wire.toBuilder().setRetryMax(retries).build());
  }

  /**
   * The same with this pause before the first retry.
   *
   * @param pause the pause, 1 ms or more
   * @return the policy
   * @throws IllegalArgumentException where it is less
   */
  public FailurePolicy withRetryInitial(Duration pause) {
    return new FailurePolicy(wire.toBuilder().setRetryInitialMs(ms(pause)).build());
  }

  /**
   * The same with this growth of pauses.
   *
   * @param factor each pause by the one before, from 1 on
   * @return the policy
   */
  public FailurePolicy withRetryFactor(double factor) {
    return new FailurePolicy(wire.toBuilder().setRetryFactor(factor).build());
  }

  /**
   * The same with this longest pause.
   *
   * @param pause the pause, 1 ms or more
   * @return the policy
   * @throws IllegalArgumentException where it is less
   */
  public FailurePolicy withRetryMaxDelay(Duration pause) {
    return new FailurePolicy(wire.toBuilder().setRetryMaxDelayMs(ms(pause)).build());
  }

  /**
   * The same with this jitter.
   *
   * @param jitter the share of each pause that is left to chance, from 0 to 1
   * @return the policy
   */
  public FailurePolicy withRetryJitter(double jitter) {
    return new FailurePolicy(wire.toBuilder().setRetryJitter(jitter).build());
  }

  /**
   * The same with this end.
   *
   * @param exhausted what becomes of a record whose tries are used up
   * @return the policy
   */
  public FailurePolicy withExhausted(Exhausted exhausted) {
    Objects.requireNonNull(exhausted, "exhausted");
    return new FailurePolicy(wire.toBuilder().setExhausted(exhausted.wire()).build());
  }

  private static long ms(Duration pause) {
    if (pause.toMillis() > 0) return pause.toMillis();
    throw new IllegalArgumentException("a pause of " + pause + " is none: give 1 ms or more");
  }
}
