package io.outrigger;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.outrigger.gen.v1.Outputs;
import io.outrigger.gen.v1.RowHeaders;
import java.util.ArrayList;
import java.util.List;

/** What a batch sends to its sinks, row by row; columns are made of it at the end. */
final class OutputList {
  private final List<Output> outputs = new ArrayList<>();
  private long bytes;
  private int countBefore;
  private long bytesBefore;

  /** How many outputs, from the first on, have their input's timestamp. */
  private int inherited;

  private boolean isAllSinkZero = true;

  /** Never less than what the message will take. */
  long bytes() {
    return bytes;
  }

  void add(Output output, long inputTimestamp) {
    if (output.timestamp() == inputTimestamp && inherited == outputs.size()) inherited += 1;
    if (output.sink() != 0) isAllSinkZero = false;
    bytes += output.bytes();
    outputs.add(output);
  }

  /** The record is done: what it sent stays. */
  void keep() {
    countBefore = outputs.size();
    bytesBefore = bytes;
  }

  /** The record failed: what it sent never was. */
  void rollback() {
    outputs.subList(countBefore, outputs.size()).clear();
    bytes = bytesBefore;
    inherited = Math.min(inherited, countBefore);
  }

  /** As the message wants it: columns that say nothing are left out. */
  Outputs columns() {
    Outputs.Builder columns = Outputs.newBuilder();
    boolean isAllInherited = inherited == outputs.size();
    for (int index = 0; index < outputs.size(); index++) {
      Output output = outputs.get(index);
      columns.addInputs(output.row());
      if (!isAllSinkZero) columns.addSinks(output.sink());
      if (output.key() == null) columns.addNullKeys(index);
      if (output.value() == null) columns.addNullValues(index);
      columns.addKeys(output.key() == null ? ByteString.EMPTY : output.key());
      columns.addValues(output.value() == null ? ByteString.EMPTY : output.value());
      if (!isAllInherited) columns.addTimestamps(output.timestamp());
      if (output.headers() != null) columns.addHeaders(headers(index, output.headers()));
    }
    return columns.build();
  }

  private static RowHeaders headers(int row, List<Header> headers) {
    RowHeaders.Builder columns = RowHeaders.newBuilder().setRow(row);
    for (Header header : headers) {
      var written = io.outrigger.gen.v1.Header.newBuilder().setKey(header.key());
      // Nobody changes a header's bytes, by its own word: no copy.
      if (header.value() != null) written.setValue(UnsafeByteOperations.unsafeWrap(header.value()));
      columns.addHeaders(written);
    }
    return columns.build();
  }
}
