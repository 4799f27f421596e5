package io.outrigger;

/** The timers of the current record's key at one node: durable, and part of what the record does. */
public interface Timers {
  /**
   * Has {@code onTimer} called once, when the clock has reached the time; one that is past fires soon. A
   * timer of this name that is set already is moved.
   *
   * @param name of the timer, at most 255 bytes of UTF-8
   * @param time when, in ms since 1970 in UTC, 0 or more
   * @param clock what it goes by; timers of two clocks are two timers, whatever their names are
   * @throws IllegalArgumentException where the name or the time is none
   * @throws IllegalStateException where the record has no key, or the processor takes no timers
   */
  void set(String name, long time, TimerClock clock);

  /**
   * The same by stream time.
   *
   * @param name of the timer
   * @param time when, in ms since 1970 in UTC
   */
  default void set(String name, long time) {
    set(name, time, TimerClock.STREAM_TIME);
  }

  /**
   * Cancels a timer, also one that is due and not handled yet; nothing where none is set.
   *
   * @param name of the timer
   * @param clock what it goes by
   */
  void delete(String name, TimerClock clock);

  /**
   * The same by stream time.
   *
   * @param name of the timer
   */
  default void delete(String name) {
    delete(name, TimerClock.STREAM_TIME);
  }
}
