package io.outrigger;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The serdes that come with the SDK. All but {@link #ByteArray()} refuse null: see {@link #nullable}. */
public final class Serdes {
  // Classes of their own, and no buffers: what runs for each record is little for the JVM to compile.
  private static final Serde<byte[]> BYTES =
      new Serde<>() {
        @Override
        public byte[] serialize(byte[] value) {
          return value;
        }

        @Override
        public byte[] deserialize(byte[] bytes) {
          return bytes;
        }
      };

  private static final Serde<String> UTF8 =
      new Serde<>() {
        @Override
        public byte[] serialize(String value) {
          return present(value, "Serdes.utf8()").getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String deserialize(byte[] bytes) {
          return decoded(bytes);
        }
      };

  private static final Serde<Long> LONG =
      new Serde<>() {
        @Override
        public byte[] serialize(Long value) {
          byte[] bytes = new byte[Long.BYTES];
          putLong(bytes, 0, present(value, "Serdes.Long()"));
          return bytes;
        }

        @Override
        public Long deserialize(byte[] bytes) {
          return getLong(eightBytes(bytes, "Serdes.Long()"), 0);
        }
      };

  private static final Serde<Integer> INTEGER =
      Serde.of(
          value -> ByteBuffer.allocate(4).putInt(present(value, "Serdes.Integer()")).array(),
          Serdes::fourBytes);

  private static final Serde<Double> DOUBLE =
      Serde.of(
          value -> ByteBuffer.allocate(8).putDouble(present(value, "Serdes.Double()")).array(),
          bytes -> ByteBuffer.wrap(eightBytes(bytes, "Serdes.Double()")).getDouble());

  private Serdes() {}

  /**
   * Bytes as they are, null included.
   *
   * @return the serde
   */
  public static Serde<byte[]> ByteArray() {
    return BYTES;
  }

  /**
   * Text in UTF-8, as Kafka's StringSerializer. Bytes that are not UTF-8 are refused.
   *
   * @return the serde
   */
  public static Serde<String> utf8() {
    return UTF8;
  }

  /**
   * The same as {@link #utf8()}, by Kafka's name.
   *
   * @return the serde
   */
  public static Serde<String> String() {
    return UTF8;
  }

  /**
   * A 64-bit integer, big-endian, as Kafka's LongSerializer.
   *
   * @return the serde
   */
  public static Serde<Long> Long() {
    return LONG;
  }

  /**
   * A 32-bit integer, big-endian, as Kafka's IntegerSerializer.
   *
   * @return the serde
   */
  public static Serde<Integer> Integer() {
    return INTEGER;
  }

  /**
   * An IEEE 754 double, big-endian, as Kafka's DoubleSerializer.
   *
   * @return the serde
   */
  public static Serde<Double> Double() {
    return DOUBLE;
  }

  /**
   * JSON in UTF-8, by Jackson: records and beans alike. Fields that the class does not have are
   * skipped, text behind the value is refused.
   *
   * @param <T> the class
   * @param type the class; an array's for lists
   * @return the serde
   */
  public static <T> Serde<T> json(Class<T> type) {
    return JsonSerdes.of(type);
  }

  /**
   * JSON in UTF-8, with a mapper of your own.
   *
   * @param <T> the class
   * @param type the class; an array's for lists
   * @param mapper reads and writes; it must not be reconfigured afterwards
   * @return the serde
   */
  public static <T> Serde<T> json(Class<T> type, ObjectMapper mapper) {
    return JsonSerdes.of(type, mapper);
  }

  /**
   * The same serde, with null for a null key or a tombstone.
   *
   * @param <T> what handlers see
   * @param serde reads and writes what is not null
   * @return the serde
   */
  public static <T> Serde<T> nullable(Serde<T> serde) {
    return Serde.of(
        value -> value == null ? null : serde.serialize(value),
        bytes -> bytes == null ? null : serde.deserialize(bytes));
  }

  /**
   * The key and the start of its window, as Kafka's TimeWindowedSerializer:
   * {@code key | int64 start}. For topics that keep the windowed key of an aggregate.
   *
   * @param <K> the key's type
   * @param key the key's serde
   * @param size the windows' size, which the bytes do not hold
   * @return the serde
   */
  public static <K> Serde<Windowed<K>> timeWindowed(Serde<K> key, Duration size) {
    return new WindowedSerde<>(key, TimeWindows.ofSizeWithNoGrace(size).sizeMs());
  }

  /**
   * The key and its session, as Kafka's SessionWindowedSerializer: {@code key | int64 end | int64 start}.
   *
   * @param <K> the key's type
   * @param key the key's serde
   * @return the serde
   */
  public static <K> Serde<Windowed<K>> sessionWindowed(Serde<K> key) {
    return new SessionWindowedSerde<>(key);
  }

  static <T> T present(T value, String serde) {
    if (value != null) return value;
    throw new SerializationException(
        "it is null, and " + serde + " takes none: use Serdes.nullable(" + serde + ")");
  }

  private static String decoded(byte[] bytes) {
    String text = new String(present(bytes, "Serdes.utf8()"), StandardCharsets.UTF_8);
    // The fast way puts this character where it cannot read. The slow one tells whether it was there.
    if (text.indexOf('\uFFFD') < 0) return text;
    try {
      CharBuffer read = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return read.toString();
    } catch (CharacterCodingException error) {
      throw new SerializationException("its " + bytes.length + " bytes are not UTF-8", error);
    }
  }

  private static int fourBytes(byte[] bytes) {
    if (present(bytes, "Serdes.Integer()").length == Integer.BYTES) return ByteBuffer.wrap(bytes).getInt();
    throw new SerializationException(
        "it has " + bytes.length + " bytes, Serdes.Integer() takes 4");
  }

  private static byte[] eightBytes(byte[] bytes, String serde) {
    if (present(bytes, serde).length == Long.BYTES) return bytes;
    throw new SerializationException("it has " + bytes.length + " bytes, " + serde + " takes 8");
  }

  /** Big-endian, as all numbers of Kafka's serdes. */
  static void putLong(byte[] to, int at, long value) {
    for (int index = 0; index < Long.BYTES; index++) {
      to[at + index] = (byte) (value >>> (Long.SIZE - Byte.SIZE - Byte.SIZE * index));
    }
  }

  static long getLong(byte[] from, int at) {
    long value = 0;
    for (int index = at; index < at + Long.BYTES; index++) {
      value = value << Byte.SIZE | from[index] & 0xff;
    }
    return value;
  }
}
