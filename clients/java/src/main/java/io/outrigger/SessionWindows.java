package io.outrigger;

import java.time.Duration;

/**
 * Windows of activity: records of a key that follow each other within a gap are one session. A record that
 * closes the gap between sessions makes one of them.
 */
public final class SessionWindows {
  private final long gapMs;
  private final long graceMs;

  private SessionWindows(long gapMs, long graceMs) {
    this.gapMs = gapMs;
    this.graceMs = graceMs;
  }

  /**
   * Sessions that take late records for a while.
   *
   * @param inactivityGap how long nothing comes where a session ends, whole ms above 0
   * @param grace how long after its end a session takes records, in stream time; 0 or more
   * @return the windows
   * @throws IllegalArgumentException where one of them is not so
   */
  public static SessionWindows ofInactivityGapAndGrace(Duration inactivityGap, Duration grace) {
    return new SessionWindows(
        Durations.atLeast(1, "an inactivity gap", inactivityGap),
        Durations.atLeast(0, "a session's grace", grace));
  }

  /**
   * Sessions that take nothing once stream time is behind their end and the gap.
   *
   * @param inactivityGap how long nothing comes where a session ends, whole ms above 0
   * @return the windows
   * @throws IllegalArgumentException where it is not so
   */
  public static SessionWindows ofInactivityGapWithNoGrace(Duration inactivityGap) {
    return ofInactivityGapAndGrace(inactivityGap, Duration.ZERO);
  }

  /**
   * How long nothing comes where a session ends.
   *
   * @return the gap in ms
   */
  public long inactivityGap() {
    return gapMs;
  }

  /**
   * How long a session takes late records.
   *
   * @return the grace in ms of stream time
   */
  public long gracePeriodMs() {
    return graceMs;
  }
}
