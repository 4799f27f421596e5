package io.outrigger;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Protobuf's primitives into an array that grows. Fields above 15 do not occur: a tag is one byte. */
final class WireWriter {
  /** Of an array that is new, and the most of one that is kept to be used again. */
  private static final int CAPACITY_FIRST = 16 * 1024;

  private static final int CAPACITY_KEPT_MAX = 1024 * 1024;

  /** What a JVM makes an array of, at most. */
  private static final int CAPACITY_MAX = Integer.MAX_VALUE - 8;

  /** Bytes of a tag and a varint, at most. */
  private static final int HEADER_MAX = 11;

  /** Of a length, at most. */
  private static final int LENGTH_BYTES = 5;

  byte[] bytes = new byte[CAPACITY_FIRST];
  int position;

  /** Where the message that {@code enclose} has closed begins. */
  int start;

  /** Begins anew at a position; what is before it is for {@code enclose}. */
  void reset(int from) {
    if (bytes.length > CAPACITY_KEPT_MAX) bytes = new byte[CAPACITY_FIRST];
    position = from;
  }

  /** Tag, length and content. */
  void delimited(int field, byte[] content) {
    int length = content.length;
    reserve(HEADER_MAX + length);
    header(field, length);
    System.arraycopy(content, 0, bytes, position, length);
    position += length;
  }

  /** Text; proto3 leaves out what is empty. */
  void string(int field, String content) {
    if (!content.isEmpty()) delimited(field, content.getBytes(StandardCharsets.UTF_8));
  }

  /** Fields that were written elsewhere. */
  void fields(byte[] content) {
    reserve(content.length);
    System.arraycopy(content, 0, bytes, position, content.length);
    position += content.length;
  }

  /** A number; proto3 leaves zero out. */
  void uint(int field, long value) {
    if (value == 0) return;
    reserve(HEADER_MAX);
    bytes[position++] = (byte) (field << 3 | WireReader.VARINT);
    varint(value);
  }

  /** Numbers of 32 bits, without a sign, as one packed field; none where there are none. */
  void packed(int field, int[] values, int count) {
    if (count == 0) return;
    int size = 0;
    for (int index = 0; index < count; index++) size += varintSize(values[index]);
    reserve(HEADER_MAX + size);
    header(field, size);
    for (int index = 0; index < count; index++) varint32(values[index]);
  }

  /** The same of sint64. */
  void packedSint64(int field, long[] values, int count) {
    if (count == 0) return;
    int size = 0;
    for (int index = 0; index < count; index++) size += varintSize(zigzag(values[index]));
    reserve(HEADER_MAX + size);
    header(field, size);
    for (int index = 0; index < count; index++) varint(zigzag(values[index]));
  }

  /** Begins a message of a length that is not known yet; returns what {@code end} takes. */
  int begin(int field) {
    reserve(1 + LENGTH_BYTES);
    bytes[position++] = (byte) (field << 3 | WireReader.DELIMITED);
    position += LENGTH_BYTES;
    return position;
  }

  /** Writes the length of what was written since {@code begin}, and moves that up to it. */
  void end(int from) {
    int length = position - from;
    position = from - LENGTH_BYTES;
    varint32(length);
    System.arraycopy(bytes, from, bytes, position, length);
    position += length;
  }

  /**
   * Has everything from {@code from} on stand in a message, whose tag and length go right before it.
   */
  void enclose(int from, int field) {
    int to = position;
    start = from - 1 - varintSize(to - from);
    position = start;
    header(field, to - from);
    position = to;
  }

  private void reserve(int length) {
    int needed = Math.addExact(position, length);
    if (needed <= bytes.length) return;
    long doubled = Math.min(2L * bytes.length, CAPACITY_MAX);
    bytes = Arrays.copyOf(bytes, (int) Math.max(needed, doubled));
  }

  private void header(int field, int length) {
    bytes[position++] = (byte) (field << 3 | WireReader.DELIMITED);
    varint32(length);
  }

  private void varint32(int value) {
    int rest = value;
    while ((rest & ~0x7f) != 0) {
      bytes[position++] = (byte) (rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    bytes[position++] = (byte) rest;
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      bytes[position++] = (byte) (rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    bytes[position++] = (byte) rest;
  }

  private static int varintSize(int value) {
    return varintSize(value & 0xffff_ffffL);
  }

  private static int varintSize(long value) {
    // Seven bits a byte: as many as the highest bit that is set needs, and one for zero.
    return (Long.SIZE + 6 - Long.numberOfLeadingZeros(value | 1)) / 7;
  }

  private static long zigzag(long value) {
    return value << 1 ^ value >> 63;
  }
}
