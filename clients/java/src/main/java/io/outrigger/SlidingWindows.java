package io.outrigger;

import java.time.Duration;

/**
 * Windows whose records lie at most so far apart: for each record one that ends with it, and one that begins
 * right behind it. Both ends of a window belong to it.
 */
public final class SlidingWindows {
  private final long timeDifferenceMs;
  private final long graceMs;

  private SlidingWindows(long timeDifferenceMs, long graceMs) {
    this.timeDifferenceMs = timeDifferenceMs;
    this.graceMs = graceMs;
  }

  /**
   * Windows that take late records for a while.
   *
   * @param timeDifference the most that two records of a window lie apart, whole ms, 0 or more
   * @param grace how long after its end a window takes records, in stream time; 0 or more
   * @return the windows
   * @throws IllegalArgumentException where one of them is not so
   */
  public static SlidingWindows ofTimeDifferenceAndGrace(Duration timeDifference, Duration grace) {
    return new SlidingWindows(
        Durations.atLeast(0, "a window's time difference", timeDifference),
        Durations.atLeast(0, "a window's grace", grace));
  }

  /**
   * Windows that take nothing once stream time is behind their end.
   *
   * @param timeDifference the most that two records of a window lie apart, whole ms, 0 or more
   * @return the windows
   * @throws IllegalArgumentException where it is not so
   */
  public static SlidingWindows ofTimeDifferenceWithNoGrace(Duration timeDifference) {
    return ofTimeDifferenceAndGrace(timeDifference, Duration.ZERO);
  }

  /**
   * The most that two records of a window lie apart.
   *
   * @return the difference in ms
   */
  public long timeDifferenceMs() {
    return timeDifferenceMs;
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
