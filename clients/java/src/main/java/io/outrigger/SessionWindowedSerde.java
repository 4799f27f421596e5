package io.outrigger;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** {@code key | int64 session end | int64 session start}, big-endian. */
record SessionWindowedSerde<K>(Serde<K> key) implements Serde<Windowed<K>> {
  private static final int BOUNDS_BYTES = 2 * Long.BYTES;

  @Override
  public byte[] serialize(Windowed<K> value) {
    Windowed<K> windowed = Serdes.present(value, "a windowed key");
    byte[] inner = key.serialize(windowed.key());
    if (inner == null) inner = new byte[0];
    return ByteBuffer.allocate(inner.length + BOUNDS_BYTES)
        .put(inner)
        .putLong(windowed.window().end())
        .putLong(windowed.window().start())
        .array();
  }

  @Override
  public Windowed<K> deserialize(byte[] bytes) {
    int length = bytes == null ? 0 : bytes.length;
    if (length < BOUNDS_BYTES) {
      throw new SerializationException("it has " + length + " bytes, the key of a session at least 16");
    }
    int at = length - BOUNDS_BYTES;
    ByteBuffer bounds = ByteBuffer.wrap(bytes, at, BOUNDS_BYTES);
    long end = bounds.getLong();
    return new Windowed<>(key.deserialize(Arrays.copyOf(bytes, at)), new Window(bounds.getLong(), end));
  }
}
