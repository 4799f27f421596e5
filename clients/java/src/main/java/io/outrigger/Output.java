package io.outrigger;

import com.google.protobuf.ByteString;
import java.util.List;

/**
 * One record for a sink, serialized.
 *
 * @param row the row of the batch that caused it
 * @param sink index into the stage's sinks
 * @param key null for a null key
 * @param value null for a tombstone
 * @param headers null takes the input's
 */
record Output(
    int row, int sink, ByteString key, ByteString value, long timestamp, List<Header> headers) {
  /** Bytes that an output takes besides its key and value, at most. */
  private static final int OVERHEAD_BYTES = 40;

  /** Never less than what the message will take. */
  int bytes() {
    int bytes = OVERHEAD_BYTES + sizeOf(key) + sizeOf(value);
    if (headers == null) return bytes;
    for (Header header : headers) {
      int valueBytes = header.value() == null ? 0 : header.value().length;
      // Three bytes at most for each char of the key in UTF-8.
      bytes += 3 * header.key().length() + valueBytes + OVERHEAD_BYTES;
    }
    return bytes;
  }

  private static int sizeOf(ByteString bytes) {
    return bytes == null ? 0 : bytes.size();
  }
}
