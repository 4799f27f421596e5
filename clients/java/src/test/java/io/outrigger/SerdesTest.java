package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("serdes")
class SerdesTest {
  record Order(String customer, long cents) {}

  private static <T> void sameAsKafka(Serde<T> serde, Serializer<T> kafkas, T value) {
    byte[] written = serde.serialize(value);
    assertArrayEquals(kafkas.serialize("topic", value), written);
    assertEquals(value, serde.deserialize(written));
  }

  private static void refused(String word, Runnable use) {
    var error = assertThrows(SerializationException.class, use::run);
    assertTrue(error.getMessage().contains(word), error.getMessage());
  }

  @Test
  @DisplayName("write what Kafka's serializers write, and read it back")
  void writeAsKafka() {
    var kafkas = new org.apache.kafka.common.serialization.LongSerializer();
    for (long value : new long[] {0, -2, Long.MIN_VALUE, Long.MAX_VALUE}) {
      sameAsKafka(Serdes.Long(), kafkas, value);
    }
    var integers = new org.apache.kafka.common.serialization.IntegerSerializer();
    for (int value : new int[] {0, -2, Integer.MIN_VALUE}) {
      sameAsKafka(Serdes.Integer(), integers, value);
    }
    var doubles = new org.apache.kafka.common.serialization.DoubleSerializer();
    for (double value : new double[] {0.1, -0.0, Double.NaN, Double.NEGATIVE_INFINITY}) {
      sameAsKafka(Serdes.Double(), doubles, value);
    }
    var texts = new org.apache.kafka.common.serialization.StringSerializer();
    for (String value : new String[] {"", "zoë", "\uFFFD", "😀"}) {
      sameAsKafka(Serdes.utf8(), texts, value);
    }
  }

  @Test
  @DisplayName("write a windowed key as its key and the window's start")
  void writeWindowedKeys() {
    Serde<Windowed<String>> serde = Serdes.timeWindowed(Serdes.utf8(), Duration.ofMinutes(1));
    var key = new Windowed<>("k", new Window(-60_000, 0));
    byte[] written = serde.serialize(key);
    assertEquals(9, written.length);
    assertEquals(key, serde.deserialize(written));
    Serde<Windowed<String>> sessions = Serdes.sessionWindowed(Serdes.utf8());
    byte[] session = sessions.serialize(key);
    assertEquals("k\0\0\0\0\0\0\0\0", new String(session, 0, 9, StandardCharsets.UTF_8));
    assertEquals(key, sessions.deserialize(session));
  }

  @Test
  @DisplayName("read and write records as JSON")
  void readJson() {
    Serde<Order> serde = Serdes.json(Order.class);
    byte[] written = serde.serialize(new Order("ada", 7));
    assertEquals("{\"customer\":\"ada\",\"cents\":7}", new String(written, StandardCharsets.UTF_8));
    assertEquals(new Order("ada", 7), serde.deserialize(written));
    assertThrows(RuntimeException.class, () -> serde.deserialize(new byte[] {'{'}));
  }

  @Test
  @DisplayName("refuse null unless they are made to take it, which is not empty")
  void refuseNull() {
    refused("Serdes.nullable(Serdes.utf8())", () -> Serdes.utf8().deserialize(null));
    refused("Serdes.nullable(Serdes.Long())", () -> Serdes.Long().serialize(null));
    Serde<String> nullable = Serdes.nullable(Serdes.utf8());
    assertNull(nullable.deserialize(null));
    assertNull(nullable.serialize(null));
    assertEquals("", nullable.deserialize(new byte[0]));
    assertNull(Serdes.ByteArray().deserialize(null));
  }

  @Test
  @DisplayName("refuse bytes that are no value of theirs")
  void refuseOtherBytes() {
    refused("7 bytes", () -> Serdes.Long().deserialize(new byte[7]));
    refused("5 bytes", () -> Serdes.Integer().deserialize(new byte[5]));
    refused("15 bytes", () -> Serdes.sessionWindowed(Serdes.utf8()).deserialize(new byte[15]));
    refused("9 bytes", () -> Serdes.Double().deserialize(new byte[9]));
    refused("not UTF-8", () -> Serdes.utf8().deserialize(new byte[] {(byte) 0xff}));
  }
}
