package io.outrigger;

import java.util.Objects;
import java.util.function.Function;

/**
 * How a key or a value is written and read. Null is a null key or a tombstone, which is not an empty
 * value. A serde that refuses what it gets throws, and the record fails with the reason.
 *
 * @param <T> what handlers see
 */
public interface Serde<T> {
  /**
   * Writes a value.
   *
   * @param value the value; null for serdes that take one
   * @return its bytes; null for a null key or a tombstone
   */
  byte[] serialize(T value);

  /**
   * Reads a value.
   *
   * @param bytes the bytes; null for a null key or a tombstone
   * @return the value
   */
  T deserialize(byte[] bytes);

  /**
   * Makes a serde of two functions.
   *
   * @param <T> what handlers see
   * @param serializer writes a value
   * @param deserializer reads one
   * @return the serde
   */
  static <T> Serde<T> of(Function<T, byte[]> serializer, Function<byte[], T> deserializer) {
    Objects.requireNonNull(serializer, "serializer");
    Objects.requireNonNull(deserializer, "deserializer");
    return new Serde<>() {
      @Override
      public byte[] serialize(T value) {
        return serializer.apply(value);
      }

      @Override
      public T deserialize(byte[] bytes) {
        return deserializer.apply(bytes);
      }
    };
  }
}
