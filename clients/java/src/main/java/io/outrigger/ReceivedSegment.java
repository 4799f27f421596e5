package io.outrigger;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.outrigger.gen.v1.RowHeaders;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code Segment} as positions over its frame. */
final class ReceivedSegment {
  int source;
  int partition;
  long baseOffset;
  long baseTimestamp;
  final Column keys;
  final Column values;
  int[] offsetDeltas = WireReader.NO_INTS;
  int[] timestampDeltas = WireReader.NO_INTS;

  /** By row; of those that have any. */
  Map<Integer, List<Header>> headers = Map.of();

  private ReceivedSegment(byte[] frame) {
    keys = new Column(frame);
    values = new Column(frame);
  }

  int count() {
    return keys.count();
  }

  static ReceivedSegment read(WireReader reader) throws InvalidProtocolBufferException {
    ReceivedSegment segment = new ReceivedSegment(reader.bytes);
    int[] nullKeys = WireReader.NO_INTS;
    int[] nullValues = WireReader.NO_INTS;
    while (reader.next()) {
      switch (reader.field) {
        case 7 -> segment.offsetDeltas = reader.ints(segment.offsetDeltas, true);
        case 8 -> segment.timestampDeltas = reader.ints(segment.timestampDeltas, true);
        case 9 -> nullKeys = reader.ints(nullKeys, false);
        case 10 -> nullValues = reader.ints(nullValues, false);
        default -> segment.readOther(reader);
      }
    }
    segment.check(nullKeys, nullValues);
    return segment;
  }

  private void readOther(WireReader reader) throws InvalidProtocolBufferException {
    if (reader.is(5, WireReader.DELIMITED)) reader.elements(keys);
    else if (reader.is(6, WireReader.DELIMITED)) reader.elements(values);
    else if (reader.is(11, WireReader.DELIMITED)) readHeaders(reader);
    else if (reader.is(1, WireReader.VARINT)) source = reader.uint32();
    else if (reader.is(2, WireReader.VARINT)) partition = reader.uint32();
    else if (reader.is(3, WireReader.VARINT)) baseOffset = reader.varint();
    else if (reader.is(4, WireReader.VARINT)) baseTimestamp = reader.sint64();
    else reader.skip();
  }

  /** They are rare, and left to the generated code. */
  private void readHeaders(WireReader reader) throws InvalidProtocolBufferException {
    int length = reader.length();
    RowHeaders read = RowHeaders.parser().parseFrom(reader.bytes, reader.position(), length);
    reader.forward(length);
    if (headers.isEmpty()) headers = new HashMap<>();
    headers.put(read.getRow(), read.getHeadersList().stream().map(ReceivedSegment::header).toList());
  }

  private static Header header(io.outrigger.gen.v1.Header read) {
    ByteString value = read.hasValue() ? read.getValue() : null;
    return new Header(read.getKey(), value == null ? null : value.toByteArray());
  }

  private void check(int[] nullKeys, int[] nullValues) throws InvalidProtocolBufferException {
    int rows = count();
    if (values.count() != rows) {
      throw WireReader.malformed("a segment has " + rows + " keys and " + values.count() + " values");
    }
    checkDeltas(offsetDeltas, "offset_deltas");
    checkDeltas(timestampDeltas, "timestamp_deltas");
    keys.nullify(nullKeys, "null_keys");
    values.nullify(nullValues, "null_values");
  }

  private void checkDeltas(int[] deltas, String name) throws InvalidProtocolBufferException {
    if (deltas.length == 0 || deltas.length >= count()) return;
    throw WireReader.malformed(name + " holds " + deltas.length + ", of " + count() + " rows");
  }
}
