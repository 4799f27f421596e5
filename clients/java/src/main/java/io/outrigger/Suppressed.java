package io.outrigger;

import io.outrigger.gen.v1.BufferFull;
import io.outrigger.gen.v1.Suppress;
import io.outrigger.gen.v1.SuppressBuffer;
import io.outrigger.gen.v1.UntilTimeLimit;
import io.outrigger.gen.v1.UntilWindowCloses;
import java.time.Duration;

/** How long results are held back, as in Kafka Streams. */
public final class Suppressed {
  final Suppress wire;

  private Suppressed(Suppress.Builder wire) {
    this.wire = wire.build();
  }

  /**
   * Until the window closes: each is forwarded once, when stream time has passed its end and its grace.
   *
   * @param buffer what a task holds back at most; it may not emit early
   * @return how long
   */
  public static Suppressed untilWindowCloses(BufferConfig buffer) {
    return new Suppressed(
        Suppress.newBuilder()
            .setUntilWindowCloses(UntilWindowCloses.getDefaultInstance())
            .setBuffer(buffer.wire));
  }

  /**
   * Until so much stream time has passed since the key's first update: later ones take its place.
   *
   * @param timeToWaitForMoreEvents whole ms, 0 or more
   * @param buffer what a task holds back at most
   * @return how long
   */
  public static Suppressed untilTimeLimit(Duration timeToWaitForMoreEvents, BufferConfig buffer) {
    long ms = Durations.atLeast(0, "a time to wait", timeToWaitForMoreEvents);
    return new Suppressed(
        Suppress.newBuilder()
            .setUntilTimeLimit(UntilTimeLimit.newBuilder().setWaitMs(ms))
            .setBuffer(buffer.wire));
  }

  /** What a task holds back at most: on disk, with a changelog. */
  public static final class BufferConfig {
    final SuppressBuffer wire;

    private BufferConfig(SuppressBuffer.Builder wire) {
      this.wire = wire.build();
    }

    /**
     * Any number of keys.
     *
     * @return the buffer
     */
    public static BufferConfig unbounded() {
      return new BufferConfig(SuppressBuffer.newBuilder());
    }

    /**
     * So many keys; a task that would hold more stops with SUPPRESS_BUFFER_FULL.
     *
     * @param records 1 or more
     * @return the buffer
     */
    public static BufferConfig maxRecords(long records) {
      return unbounded().withMaxRecords(records);
    }

    /**
     * So many bytes of keys, values and headers.
     *
     * @param bytes 1 or more
     * @return the buffer
     */
    public static BufferConfig maxBytes(long bytes) {
      return unbounded().withMaxBytes(bytes);
    }

    /**
     * The same with so many keys.
     *
     * @param records 1 or more
     * @return the buffer
     */
    public BufferConfig withMaxRecords(long records) {
      return new BufferConfig(wire.toBuilder().setMaxRecords(positive(records)));
    }

    /**
     * The same with so many bytes of keys, values and headers.
     *
     * @param bytes 1 or more
     * @return the buffer
     */
    public BufferConfig withMaxBytes(long bytes) {
      return new BufferConfig(wire.toBuilder().setMaxBytes(positive(bytes)));
    }

    /**
     * The same; when it is full, its task stops.
     *
     * @return the buffer
     */
    public BufferConfig shutDownWhenFull() {
      return new BufferConfig(wire.toBuilder().setWhenFull(BufferFull.BUFFER_FULL_SHUT_DOWN));
    }

    /**
     * The same; when it is full, what has waited longest is forwarded before its time.
     *
     * @return the buffer
     */
    public BufferConfig emitEarlyWhenFull() {
      return new BufferConfig(wire.toBuilder().setWhenFull(BufferFull.BUFFER_FULL_EMIT_EARLY));
    }

    private static long positive(long limit) {
      if (limit > 0) return limit;
      throw new IllegalArgumentException("a buffer of " + limit + " is none: give 1 or more");
    }
  }
}
