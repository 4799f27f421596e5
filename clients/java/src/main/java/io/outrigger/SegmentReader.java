package io.outrigger;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.Welcome;
import java.util.List;

/** Makes records of a segment's rows. */
final class SegmentReader {
  private final ReceivedSegment segment;
  private final Origin origin;

  SegmentReader(Welcome welcome, ReceivedSegment segment) {
    if (segment.source >= welcome.getSourcesCount() || segment.source < 0) {
      throw new IllegalStateException("the sidecar's batch has no source " + segment.source);
    }
    this.segment = segment;
    this.origin =
        new Origin(
            welcome.getSources(segment.source),
            segment.partition,
            segment.baseOffset,
            segment.offsetDeltas,
            welcome.getApplicationId());
  }

  int count() {
    return segment.count();
  }

  long timestamp(int index) {
    int[] deltas = segment.timestampDeltas;
    return segment.baseTimestamp + (deltas.length == 0 ? 0 : deltas[index]);
  }

  /** The same list for the same row, so that whoever forwards it forwards the input's headers. */
  List<Header> headers(int index) {
    if (segment.headers.isEmpty()) return Record.NO_HEADERS;
    return segment.headers.getOrDefault(index, Record.NO_HEADERS);
  }

  Record<Object, Object> record(int index, SerdePair serdes) {
    return new Record<>(
        read("key", index, serdes.key(), segment.keys),
        read("value", index, serdes.value(), segment.values),
        timestamp(index),
        headers(index),
        origin,
        index);
  }

  /** The source that its rows come from. */
  int source() {
    return segment.source;
  }

  Firing firing(int index) {
    ByteString value = segment.values.bytes(index);
    return Firing.of(value == null ? ByteString.EMPTY : value);
  }

  /** A row that tells of a timer or a punctuation. */
  Record<Object, Object> fired(int index, Firing firing, Serde<Object> keys) {
    Object key = firing.isPunctuation() ? null : read("key", index, keys, segment.keys);
    return new Record<>(key, null, timestamp(index), headers(index), origin, index);
  }

  private Object read(String what, int index, Serde<Object> serde, Column column) {
    try {
      return serde.deserialize(column.copy(index));
    } catch (RuntimeException error) {
      var record = new Record<>(null, null, 0, Record.NO_HEADERS, origin, index);
      throw new SerializationException(
          String.format(
              "the %s of %s cannot be read: %s",
              what, record.idempotencyKey(), error.getMessage()),
          error);
    }
  }
}
