package io.outrigger;

/** What a timer or a punctuator goes by: Kafka Streams' {@code PunctuationType}. */
public enum TimerClock {
  /** The task's stream time: the latest timestamp of the records that it has read. */
  STREAM_TIME(io.outrigger.gen.v1.TimerClock.TIMER_CLOCK_STREAM_TIME),

  /** The sidecar's wall clock. */
  WALL_CLOCK_TIME(io.outrigger.gen.v1.TimerClock.TIMER_CLOCK_WALL_CLOCK_TIME);

  final io.outrigger.gen.v1.TimerClock wire;

  TimerClock(io.outrigger.gen.v1.TimerClock wire) {
    this.wire = wire;
  }
}
