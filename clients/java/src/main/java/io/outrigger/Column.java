package io.outrigger;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.util.Arrays;

/** Byte strings of a frame: where each begins and ends. The frame is held, and nothing is copied. */
final class Column {
  private static final int FIRST = 64;

  final byte[] frame;

  /** Two numbers for each; null begins at -1. */
  private int[] spans = WireReader.NO_INTS;

  private int used;

  Column(byte[] frame) {
    this.frame = frame;
  }

  int count() {
    return used / 2;
  }

  void add(int from, int to) {
    if (used == spans.length) spans = Arrays.copyOf(spans, Math.max(FIRST, 2 * used));
    spans[used] = from;
    spans[used + 1] = to;
    used += 2;
  }

  /** Of the elements that a message names as null. */
  void nullify(int[] indexes, String name) throws InvalidProtocolBufferException {
    for (int index : indexes) {
      if (index < 0 || index >= count()) {
        throw WireReader.malformed(
            name + " holds " + Integer.toUnsignedString(index) + ", of " + count() + " elements");
      }
      spans[2 * index] = -1;
    }
  }

  boolean isNull(int index) {
    return start(index) < 0;
  }

  int start(int index) {
    if (2 * index >= used) throw new IndexOutOfBoundsException("element " + index + " of " + count());
    return spans[2 * index];
  }

  int end(int index) {
    return spans[2 * index + 1];
  }

  /** A copy; null for null. */
  byte[] copy(int index) {
    int start = start(index);
    return start < 0 ? null : Arrays.copyOfRange(frame, start, end(index));
  }

  /** A copy; null for null. */
  ByteString bytes(int index) {
    int start = start(index);
    return start < 0 ? null : ByteString.copyFrom(frame, start, end(index) - start);
  }

  /** Whether an element is these bytes. */
  boolean is(int index, byte[] other) {
    int start = start(index);
    return start >= 0 && Arrays.equals(frame, start, end(index), other, 0, other.length);
  }
}
