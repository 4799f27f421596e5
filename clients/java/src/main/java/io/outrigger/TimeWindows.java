package io.outrigger;

import java.time.Duration;

/** Tumbling windows: of fixed size, without overlap or gap, aligned to 1970 in UTC. */
public final class TimeWindows {
  private final long sizeMs;
  private final long graceMs;

  private TimeWindows(long sizeMs, long graceMs) {
    this.sizeMs = sizeMs;
    this.graceMs = graceMs;
  }

  /**
   * Windows that take late records for a while.
   *
   * @param size the size, a whole number of ms above 0
   * @param grace how long after its end a window takes records, in stream time; 0 or more
   * @return the windows
   * @throws IllegalArgumentException where one of them is not so
   */
  public static TimeWindows ofSizeAndGrace(Duration size, Duration grace) {
    long sizeMs = wholeMs("size", size);
    long graceMs = wholeMs("grace", grace);
    if (sizeMs <= 0) {
      throw new IllegalArgumentException("a window's size of " + size + " must be above 0");
    }
    if (graceMs < 0) {
      throw new IllegalArgumentException("a window's grace of " + grace + " must be 0 or more");
    }
    return new TimeWindows(sizeMs, graceMs);
  }

  /**
   * Windows that take nothing once stream time is behind their end.
   *
   * @param size the size, a whole number of ms above 0
   * @return the windows
   * @throws IllegalArgumentException where it is not so
   */
  public static TimeWindows ofSizeWithNoGrace(Duration size) {
    return ofSizeAndGrace(size, Duration.ZERO);
  }

  /**
   * The windows' size.
   *
   * @return the size in ms
   */
  public long sizeMs() {
    return sizeMs;
  }

  /**
   * How long a window takes late records.
   *
   * @return the grace in ms of stream time
   */
  public long gracePeriodMs() {
    return graceMs;
  }

  private static long wholeMs(String what, Duration duration) {
    try {
      long ms = duration.toMillis();
      if (Duration.ofMillis(ms).equals(duration)) return ms;
    } catch (ArithmeticException tooLong) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "a window's " + what + " of " + duration + " is no whole number of ms below 2^63");
  }
}
