package io.outrigger;

import java.time.Duration;

/** Throw it to have the record tried again, no more often than its policy has tries. */
public final class RetryLaterException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The pause, or null. */
  private final Duration after;

  /**
   * Tries it again after the policy's pause.
   *
   * @param message why
   */
  public RetryLaterException(String message) {
    this(message, null, null);
  }

  /**
   * Tries it again after this pause.
   *
   * @param message why
   * @param after the pause, 0 or more; null leaves it to the policy
   * @throws IllegalArgumentException where it is negative
   */
  public RetryLaterException(String message, Duration after) {
    this(message, after, null);
  }

  /**
   * Tries it again after this pause.
   *
   * @param message why
   * @param after the pause, 0 or more; null leaves it to the policy
   * @param cause what went wrong
   * @throws IllegalArgumentException where the pause is negative
   */
  public RetryLaterException(String message, Duration after, Throwable cause) {
    super(message, cause);
    if (after != null && after.isNegative()) {
      throw new IllegalArgumentException(
          "a record cannot be tried again after " + after + ": give 0 or more");
    }
    this.after = after;
  }

  /**
   * The pause that was asked for.
   *
   * @return null where it is left to the policy
   */
  public Duration after() {
    return after;
  }
}
