package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("Kafka's serdes")
class KafkaSerdesTest {
  private static final UUID ID = UUID.fromString("6f1f9a3e-6f1c-4f0e-9a57-0d7a4d0f2b11");

  /** As a registry's: the topic decides the schema, whose id goes before the payload. */
  private static org.apache.kafka.common.serialization.Serde<String> registered(List<String> topics) {
    Serializer<String> serializer =
        (topic, value) -> {
          topics.add(topic);
          if (value == null) return null;
          byte[] payload = value.getBytes(StandardCharsets.UTF_8);
          return ByteBuffer.allocate(5 + payload.length).put((byte) 0).putInt(258).put(payload).array();
        };
    Deserializer<String> deserializer =
        (topic, data) -> {
          topics.add(topic);
          return data == null ? null : new String(data, 5, data.length - 5, StandardCharsets.UTF_8);
        };
    return org.apache.kafka.common.serialization.Serdes.serdeFrom(serializer, deserializer);
  }

  @Test
  @DisplayName("serve as they are, null included")
  void serve() {
    Serde<UUID> uuid = KafkaSerdes.wrap(org.apache.kafka.common.serialization.Serdes.UUID(), "orders");
    assertEquals(ID, uuid.deserialize(uuid.serialize(ID)));
    assertNull(uuid.deserialize(null));
  }

  @Test
  @DisplayName("are told the topic, by which registries name schemas")
  void areToldTheTopic() {
    List<String> topics = new ArrayList<>();
    Serde<String> serde = KafkaSerdes.wrap(registered(topics), "orders");
    byte[] written = serde.serialize("x");
    assertArrayEquals(new byte[] {0, 0, 0, 1, 2, 'x'}, written);
    assertEquals("x", serde.deserialize(written));
    assertEquals(List.of("orders", "orders"), topics);
  }

  @Test
  @DisplayName("fail the record that they refuse, which names it")
  void failTheRecord() throws Exception {
    try (FakeSidecar sidecar = new FakeSidecar()) {
      Serde<UUID> uuid = KafkaSerdes.wrap(org.apache.kafka.common.serialization.Serdes.UUID(), "in");
      sidecar.source(Serdes.utf8(), uuid).mapValues(UUID::toString, Named.as("p")).to("out");
      sidecar.welcome(stage("p").addSinks("sink-03"));
      sidecar.send(batch(1, segment("k", "no uuid")));
      var failure = sidecar.result(0).getFailure();
      assertTrue(failure.getMessage().startsWith("the value of app/topic-0@10 cannot be read"));
    }
  }
}
