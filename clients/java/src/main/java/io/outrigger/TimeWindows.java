package io.outrigger;

import java.time.Duration;

/**
 * Windows of fixed size, aligned to 1970 in UTC: tumbling ones, without overlap or gap, or hopping ones by
 * {@link #advanceBy}.
 */
public final class TimeWindows {
  private final long sizeMs;
  private final long advanceMs;
  private final long graceMs;

  private TimeWindows(long sizeMs, long advanceMs, long graceMs) {
    this.sizeMs = sizeMs;
    this.advanceMs = advanceMs;
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
    long sizeMs = Durations.atLeast(1, "a window's size", size);
    return new TimeWindows(sizeMs, sizeMs, Durations.atLeast(0, "a window's grace", grace));
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
   * Windows of the same size that begin each so often: a record is in all that hold it.
   *
   * @param advance from the start of one window to that of the next, a whole number of ms above 0, at most
   *     the size
   * @return the windows
   * @throws IllegalArgumentException where it is not so
   */
  public TimeWindows advanceBy(Duration advance) {
    long ms = Durations.atLeast(1, "a window's advance", advance);
    if (ms > sizeMs) {
      throw new IllegalArgumentException(
          String.format(
              "an advance of %s is above the size of %d ms: records between two windows would be in none",
              advance, sizeMs));
    }
    return new TimeWindows(sizeMs, ms, graceMs);
  }

  /**
   * From the start of one window to that of the next.
   *
   * @return the advance in ms; of tumbling windows, their size
   */
  public long advanceMs() {
    return advanceMs;
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
}
