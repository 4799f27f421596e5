package io.outrigger;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.RowHeaders;
import io.outrigger.gen.v1.Segment;
import io.outrigger.gen.v1.Welcome;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes records of a segment's rows. */
final class SegmentReader {
  private final Segment segment;
  private final Origin origin;
  private final BitSet nullKeys;
  private final BitSet nullValues;
  private final Map<Integer, List<Header>> headers;

  SegmentReader(Welcome welcome, Segment segment) {
    if (segment.getSource() >= welcome.getSourcesCount() || segment.getSource() < 0) {
      throw new IllegalStateException("the sidecar's batch has no source " + segment.getSource());
    }
    this.segment = segment;
    this.origin =
        new Origin(
            welcome.getSources(segment.getSource()),
            segment.getPartition(),
            segment.getBaseOffset(),
            segment.getOffsetDeltasList(),
            welcome.getApplicationId());
    this.nullKeys = bits(segment.getNullKeysList());
    this.nullValues = bits(segment.getNullValuesList());
    this.headers = segment.getHeadersCount() == 0 ? Map.of() : headers(segment.getHeadersList());
  }

  int count() {
    return segment.getKeysCount();
  }

  long timestamp(int index) {
    long delta = segment.getTimestampDeltasCount() == 0 ? 0 : segment.getTimestampDeltas(index);
    return segment.getBaseTimestamp() + delta;
  }

  /** The same list for the same row, so that whoever forwards it forwards the input's headers. */
  List<Header> headers(int index) {
    return headers.isEmpty() ? Record.NO_HEADERS : headers.getOrDefault(index, Record.NO_HEADERS);
  }

  /** Null for a null key. */
  ByteString key(int index) {
    return nullKeys.get(index) ? null : segment.getKeys(index);
  }

  Record<Object, Object> record(int index, SerdePair serdes) {
    ByteString value = nullValues.get(index) ? null : segment.getValues(index);
    return new Record<>(
        read("key", index, serdes.key(), key(index)),
        read("value", index, serdes.value(), value),
        timestamp(index),
        headers(index),
        origin,
        index);
  }

  /** The source that its rows come from. */
  int source() {
    return segment.getSource();
  }

  Firing firing(int index) {
    return Firing.of(nullValues.get(index) ? ByteString.EMPTY : segment.getValues(index));
  }

  /** A row that tells of a timer or a punctuation. */
  Record<Object, Object> fired(int index, Firing firing, Serde<Object> keys) {
    Object key = firing.isPunctuation() ? null : read("key", index, keys, key(index));
    return new Record<>(key, null, timestamp(index), headers(index), origin, index);
  }

  private Object read(String what, int index, Serde<Object> serde, ByteString bytes) {
    try {
      return serde.deserialize(bytes == null ? null : bytes.toByteArray());
    } catch (RuntimeException error) {
      var record = new Record<>(null, null, 0, Record.NO_HEADERS, origin, index);
      throw new SerializationException(
          String.format(
              "the %s of %s cannot be read: %s",
              what, record.idempotencyKey(), error.getMessage()),
          error);
    }
  }

  private static BitSet bits(List<Integer> rows) {
    BitSet bits = new BitSet(0);
    for (int row : rows) bits.set(row);
    return bits;
  }

  private static Map<Integer, List<Header>> headers(List<RowHeaders> rows) {
    Map<Integer, List<Header>> headers = new HashMap<>();
    for (RowHeaders row : rows) {
      headers.put(
          row.getRow(),
          row.getHeadersList().stream()
              .map(h -> new Header(h.getKey(), h.hasValue() ? h.getValue().toByteArray() : null))
              .toList());
    }
    return headers;
  }
}
