package io.outrigger;

import java.util.Arrays;
import java.util.List;

/**
 * {@code Outputs}, written row by row: what an output carries goes into the frame at once, its numbers into
 * columns that follow. Used again for the next batch.
 */
final class Outputs {
  /** Bytes of an output's numbers, at most. */
  private static final int NUMBERS_BYTES = 30;

  /** Before the first output: the tags and lengths of what they stand in. */
  private static final int ROOM_BYTES = 16;

  private static final int ROWS_FIRST = 512;
  private static final int ROWS_KEPT_MAX = 64 * 1024;
  private static final byte[] EMPTY = {};

  private final WireWriter to = new WireWriter();
  private int[] inputs = new int[ROWS_FIRST];
  private int[] sinks = new int[ROWS_FIRST];
  private long[] timestamps = new long[ROWS_FIRST];
  private final IntList nullKeys = new IntList();
  private final IntList nullValues = new IntList();
  private int count;
  private long bytes;

  /** How many outputs stand before the first with a timestamp of its own, and with a sink that is not 0. */
  private int timestampsInherited;

  private int sinksLeftOut;
  private int countBefore;
  private long bytesBefore;
  private int positionBefore;

  Outputs() {
    reset();
  }

  /** Begins anew, for another batch. */
  void reset() {
    to.reset(ROOM_BYTES);
    countBefore = 0;
    bytesBefore = ROOM_BYTES;
    positionBefore = ROOM_BYTES;
    rollback();
    if (inputs.length > ROWS_KEPT_MAX) resize(ROWS_FIRST);
  }

  /** Never less than what the message will take. */
  long bytes() {
    return bytes;
  }

  /**
   * Adds a record for a sink, serialized.
   *
   * @param row the row of the batch that caused it
   * @param sink index into the stage's sinks
   * @param key null for a null key
   * @param value null for a tombstone
   * @param headers null takes the input's
   */
  void add(
      int row,
      int sink,
      byte[] key,
      byte[] value,
      long timestamp,
      long inputTimestamp,
      List<Header> headers) {
    int index = count;
    if (index == inputs.length) resize(2 * index);
    if (key == null) nullKeys.add(index);
    if (value == null) nullValues.add(index);
    if (timestamp == inputTimestamp && timestampsInherited == index) timestampsInherited = index + 1;
    if (sink == 0 && sinksLeftOut == index) sinksLeftOut = index + 1;
    inputs[index] = row;
    sinks[index] = sink;
    timestamps[index] = timestamp;
    int position = to.position;
    to.delimited(3, key == null ? EMPTY : key);
    to.delimited(4, value == null ? EMPTY : value);
    if (headers != null) addHeaders(index, headers);
    bytes += to.position - position + NUMBERS_BYTES;
    count = index + 1;
  }

  private void addHeaders(int index, List<Header> headers) {
    int row = to.begin(8);
    to.uint(1, index);
    for (Header header : headers) {
      int at = to.begin(2);
      to.string(1, header.key());
      if (header.value() != null) to.delimited(2, header.value());
      to.end(at);
    }
    to.end(row);
  }

  /** The record is done: what it sent stays. */
  void keep() {
    countBefore = count;
    bytesBefore = bytes;
    positionBefore = to.position;
  }

  /** The record failed: what it sent never was. */
  void rollback() {
    count = countBefore;
    bytes = bytesBefore;
    to.position = positionBefore;
    timestampsInherited = Math.min(timestampsInherited, count);
    sinksLeftOut = Math.min(sinksLeftOut, count);
    nullKeys.cut(count);
    nullValues.cut(count);
  }

  /** Ends the message, whose columns are left out where they say nothing, and begins what it stands in. */
  WireWriter finish(int field) {
    to.packed(1, inputs, count);
    if (sinksLeftOut < count) to.packed(2, sinks, count);
    to.packed(5, nullKeys.values, nullKeys.count);
    to.packed(6, nullValues.values, nullValues.count);
    if (timestampsInherited < count) to.packedSint64(7, timestamps, count);
    to.enclose(ROOM_BYTES, field);
    return to;
  }

  private void resize(int rows) {
    inputs = Arrays.copyOf(inputs, rows);
    sinks = Arrays.copyOf(sinks, rows);
    timestamps = Arrays.copyOf(timestamps, rows);
  }
}
