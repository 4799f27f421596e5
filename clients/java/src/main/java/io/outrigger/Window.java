package io.outrigger;

import java.time.Instant;

/**
 * A window of time, from its start up to but not including its end.
 *
 * @param start the first ms in it, since 1970 in UTC
 * @param end the first ms behind it
 */
public record Window(long start, long end) {
  /**
   * The start as an instant.
   *
   * @return the first instant in the window
   */
  public Instant startTime() {
    return Instant.ofEpochMilli(start);
  }

  /**
   * The end as an instant.
   *
   * @return the first instant behind the window
   */
  public Instant endTime() {
    return Instant.ofEpochMilli(end);
  }
}
