package io.outrigger;

import java.nio.ByteBuffer;

/**
 * A value, and when it was written.
 *
 * @param <V> the type of the value
 * @param value the value
 * @param timestamp ms since the epoch
 */
public record ValueAndTimestamp<V>(V value, long timestamp) {
  /** {@code int64 timestamp | value}, as Kafka Streams' ValueAndTimestampSerializer. */
  static <V> Serde<ValueAndTimestamp<V>> serde(Serde<V> values) {
    return Serde.of(
        given -> {
          byte[] written = given.value() == null ? null : values.serialize(given.value());
          if (written == null) return null;
          return ByteBuffer.allocate(Long.BYTES + written.length)
              .putLong(given.timestamp())
              .put(written)
              .array();
        },
        bytes -> {
          ByteBuffer stored = ByteBuffer.wrap(bytes);
          long timestamp = stored.getLong();
          byte[] value = new byte[stored.remaining()];
          stored.get(value);
          return new ValueAndTimestamp<>(values.deserialize(value), timestamp);
        });
  }
}
