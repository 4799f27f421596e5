package io.outrigger;

import com.google.protobuf.ByteString;

/** What a source of timers tells: {@code clock | 0, or 1 for a punctuation | name}. */
record Firing(TimerClock clock, boolean isPunctuation, String name) {
  static Firing of(ByteString value) {
    int clock = value.size() < 2 ? 0 : value.byteAt(0);
    if (clock < 1 || clock > TimerClock.values().length) {
      throw new IllegalStateException(
          "the sidecar's batch has a timer that cannot be read: use an SDK as new as it");
    }
    return new Firing(
        TimerClock.values()[clock - 1], value.byteAt(1) == 1, value.substring(2).toStringUtf8());
  }

  FiredTimer<Object> timer(Record<Object, Object> record) {
    return new FiredTimer<>(
        record.key(), name, record.timestamp(), clock, record.idempotencyKey());
  }
}
