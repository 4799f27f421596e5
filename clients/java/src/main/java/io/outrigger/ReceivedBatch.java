package io.outrigger;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code Batch} read by hand into positions over its frame: no object for each record. Its test holds it
 * against the generated code.
 */
final class ReceivedBatch {
  long dispatchId;
  int taskEpoch;
  String taskId = "";
  int stage;
  final List<ReceivedSegment> segments = new ArrayList<>();
  final List<ReceivedState> states = new ArrayList<>();

  private ReceivedBatch() {}

  /** How many rows its segments have. */
  int rows() {
    int rows = 0;
    for (ReceivedSegment segment : segments) rows += segment.count();
    return rows;
  }

  static ReceivedBatch read(byte[] bytes, int from, int to) throws InvalidProtocolBufferException {
    WireReader reader = new WireReader(bytes, from, to);
    ReceivedBatch batch = new ReceivedBatch();
    while (reader.next()) {
      if (reader.is(5, WireReader.DELIMITED)) {
        int outer = reader.enter();
        batch.segments.add(ReceivedSegment.read(reader));
        reader.leave(outer);
      } else if (reader.is(6, WireReader.DELIMITED)) {
        int outer = reader.enter();
        batch.states.add(ReceivedState.read(reader));
        reader.leave(outer);
      } else if (reader.is(1, WireReader.VARINT)) batch.dispatchId = reader.varint();
      else if (reader.is(2, WireReader.VARINT)) batch.taskEpoch = reader.uint32();
      else if (reader.is(3, WireReader.DELIMITED)) batch.taskId = reader.string();
      else if (reader.is(4, WireReader.VARINT)) batch.stage = reader.uint32();
      else reader.skip();
    }
    return batch;
  }
}
