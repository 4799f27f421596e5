package io.outrigger;

import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Protobuf's primitives out of an array. Throws for what is none, and for groups, which no message of ours
 * has.
 */
final class WireReader {
  static final int VARINT = 0;
  static final int DELIMITED = 2;
  private static final int FIXED64 = 1;
  private static final int FIXED32 = 5;
  static final int[] NO_INTS = {};
  static final long[] NO_LONGS = {};

  final byte[] bytes;
  private int at;
  private int end;

  /** Of the field that {@code next} has found. */
  int field;

  int type;

  WireReader(byte[] bytes, int from, int to) {
    this.bytes = bytes;
    at = from;
    end = to;
  }

  int position() {
    return at;
  }

  /** Goes on to the next field; false at the end of the message. */
  boolean next() throws InvalidProtocolBufferException {
    if (at == end) return false;
    int tag = (int) varint();
    field = tag >>> 3;
    type = tag & 7;
    if (field == 0) throw malformed("a field has the number 0");
    return true;
  }

  boolean is(int number, int itsType) {
    return field == number && type == itsType;
  }

  /** Goes into a message; returns what {@code leave} takes. */
  int enter() throws InvalidProtocolBufferException {
    int length = length();
    int outer = end;
    end = at + length;
    return outer;
  }

  void leave(int outer) {
    end = outer;
  }

  /** Skips a field that is not known. */
  void skip() throws InvalidProtocolBufferException {
    switch (type) {
      case VARINT -> varint();
      case DELIMITED -> forward(length());
      case FIXED64 -> forward(Long.BYTES);
      case FIXED32 -> forward(Integer.BYTES);
      default -> throw malformed("field " + field + " is of type " + type);
    }
  }

  int left() {
    return end - at;
  }

  void forward(int length) throws InvalidProtocolBufferException {
    if (length > left()) throw malformed("it ends within field " + field);
    at += length;
  }

  /** The length of what comes next, which there is as much of. */
  int length() throws InvalidProtocolBufferException {
    int length = (int) varint();
    if (length < 0 || length > left()) {
      throw malformed("field " + field + " has a length of " + Integer.toUnsignedString(length));
    }
    return length;
  }

  /** Of ten bytes at most, the last of which has but the highest bit to say. */
  long varint() throws InvalidProtocolBufferException {
    if (at < end && bytes[at] >= 0) return bytes[at++];
    long value = 0;
    for (int shift = 0; shift < Long.SIZE && at < end; shift += 7) {
      byte next = bytes[at++];
      value |= (next & 0x7fL) << shift;
      if (next >= 0 && (shift < Long.SIZE - 1 || next == 1)) return value;
    }
    throw malformed("a number does not end");
  }

  int uint32() throws InvalidProtocolBufferException {
    return (int) varint();
  }

  long sint64() throws InvalidProtocolBufferException {
    return unzigzag(varint());
  }

  private static long unzigzag(long value) {
    return (value >>> 1) ^ -(value & 1);
  }

  /** Text, which must be UTF-8. */
  String string() throws InvalidProtocolBufferException {
    int length = length();
    ByteBuffer text = ByteBuffer.wrap(bytes, at, length);
    forward(length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException error) {
      throw malformed("field " + field + " is not UTF-8");
    }
  }

  /** Adds byte strings to a column: this one, and those that follow at once in the same field. */
  void elements(Column into) throws InvalidProtocolBufferException {
    byte tag = (byte) (field << 3 | DELIMITED);
    do {
      int length = length();
      into.add(at, at + length);
      at += length;
    } while (at < end && bytes[at] == tag && ++at > 0);
  }

  /** Numbers of 32 bits behind those there are, packed or one by one. */
  int[] ints(int[] before, boolean isZigzag) throws InvalidProtocolBufferException {
    if (type == VARINT) {
      int[] grown = Arrays.copyOf(before, before.length + 1);
      grown[before.length] = int32(isZigzag);
      return grown;
    }
    if (type != DELIMITED) {
      skip();
      return before;
    }
    int outer = enter();
    int[] grown = Arrays.copyOf(before, before.length + count());
    for (int index = before.length; index < grown.length; index++) grown[index] = int32(isZigzag);
    mustBeAtEnd();
    leave(outer);
    return grown;
  }

  private int int32(boolean isZigzag) throws InvalidProtocolBufferException {
    int value = (int) varint();
    return isZigzag ? (value >>> 1) ^ -(value & 1) : value;
  }

  /** The same of 64 bits. */
  long[] longs(long[] before, boolean isZigzag) throws InvalidProtocolBufferException {
    if (type == VARINT) {
      long[] grown = Arrays.copyOf(before, before.length + 1);
      grown[before.length] = isZigzag ? sint64() : varint();
      return grown;
    }
    if (type != DELIMITED) {
      skip();
      return before;
    }
    int outer = enter();
    long[] grown = Arrays.copyOf(before, before.length + count());
    for (int index = before.length; index < grown.length; index++) {
      grown[index] = isZigzag ? sint64() : varint();
    }
    mustBeAtEnd();
    leave(outer);
    return grown;
  }

  /** How many numbers end before the message does. */
  private int count() {
    int count = 0;
    for (int index = at; index < end; index++) if (bytes[index] >= 0) count++;
    return count;
  }

  private void mustBeAtEnd() throws InvalidProtocolBufferException {
    if (at < end) throw malformed("a number does not end");
  }

  static InvalidProtocolBufferException malformed(String what) {
    return new InvalidProtocolBufferException(what);
  }
}
