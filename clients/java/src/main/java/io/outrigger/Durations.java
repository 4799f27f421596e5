package io.outrigger;

import java.time.Duration;

/** Durations as the sidecar takes them. */
final class Durations {
  private Durations() {}

  /** A duration in ms; throws where it is no whole number of them, or too few. */
  static long atLeast(long least, String what, Duration duration) {
    long ms;
    try {
      ms = duration.toMillis();
    } catch (ArithmeticException tooLong) {
      ms = -1;
    }
    if (ms >= least && Duration.ofMillis(ms).equals(duration)) return ms;
    throw new IllegalArgumentException(
        what + " of " + duration + " is none: take whole ms, " + least + " or more");
  }
}
