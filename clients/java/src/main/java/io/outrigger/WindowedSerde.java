package io.outrigger;

import java.util.Arrays;

/** {@code key | int64 window start}, big-endian. */
record WindowedSerde<K>(Serde<K> key, long sizeMs) implements Serde<Windowed<K>> {
  @Override
  public byte[] serialize(Windowed<K> value) {
    Windowed<K> windowed = Serdes.present(value, "a windowed key");
    byte[] inner = key.serialize(windowed.key());
    if (inner == null) inner = new byte[0];
    byte[] bytes = Arrays.copyOf(inner, inner.length + Long.BYTES);
    Serdes.putLong(bytes, inner.length, windowed.window().start());
    return bytes;
  }

  @Override
  public Windowed<K> deserialize(byte[] bytes) {
    int length = bytes == null ? 0 : bytes.length;
    if (length < Long.BYTES) {
      throw new SerializationException("it has " + length + " bytes, a windowed key at least 8");
    }
    int at = length - Long.BYTES;
    long start = Serdes.getLong(bytes, at);
    K inner = key.deserialize(Arrays.copyOf(bytes, at));
    return new Windowed<>(inner, new Window(start, start + sizeMs));
  }
}
