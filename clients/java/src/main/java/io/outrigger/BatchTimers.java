package io.outrigger;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a batch has changed in the timers of one node: of each timer the last. */
final class BatchTimers {
  private static final int NAME_BYTES_MAX = 255;

  /** Bytes of a change besides its key and name, at most. */
  private static final int OVERHEAD_BYTES = 24;

  /** Instead of a time: it is cancelled. */
  static final long CANCELLED = -1;

  private record Id(ByteString key, String name, TimerClock clock) {}

  /** {@code before} is null where there was none. */
  private record Undo(Id id, Long before) {}

  private final String node;
  private final Map<Id, Long> changes = new LinkedHashMap<>();
  private final Deque<Undo> undo = new ArrayDeque<>();
  private long bytes;
  private long bytesBefore;

  BatchTimers(String node) {
    this.node = node;
  }

  void change(byte[] key, String name, TimerClock clock, long time) {
    if (key == null) {
      throw new IllegalStateException(
          "\"" + node + "\" sets a timer, and the record has no key: timers are of a key");
    }
    int size = name.getBytes(StandardCharsets.UTF_8).length;
    if (size > NAME_BYTES_MAX) {
      throw new IllegalArgumentException(
          "a timer's name has " + size + " bytes: it may have " + NAME_BYTES_MAX);
    }
    Id id = new Id(ByteString.copyFrom(key), name, clock);
    Long before = changes.put(id, time);
    undo.push(new Undo(id, before));
    if (before == null) bytes += key.length + size + OVERHEAD_BYTES;
  }

  static long time(long time) {
    if (time >= 0 && time < 1L << 53) return time;
    throw new IllegalArgumentException(
        "a timer cannot be set to " + time + ": give ms since 1970 in UTC");
  }

  long bytes() {
    return bytes;
  }

  void keep() {
    undo.clear();
    bytesBefore = bytes;
  }

  void rollback() {
    for (Undo last : undo) {
      if (last.before() == null) changes.remove(last.id());
      else changes.put(last.id(), last.before());
    }
    undo.clear();
    bytes = bytesBefore;
  }

  /** Null where nothing has changed. */
  io.outrigger.gen.v1.Timers finish() {
    if (changes.isEmpty()) return null;
    var timers = io.outrigger.gen.v1.Timers.newBuilder().setNode(node);
    int index = 0;
    for (Map.Entry<Id, Long> change : changes.entrySet()) {
      boolean isCancelled = change.getValue() == CANCELLED;
      timers.addKeys(change.getKey().key());
      timers.addNames(change.getKey().name());
      timers.addClocks(change.getKey().clock().wire);
      timers.addTimes(isCancelled ? 0 : change.getValue());
      if (isCancelled) timers.addDeletes(index);
      index++;
    }
    return timers.build();
  }
}
