package io.outrigger;

import java.util.Objects;

/**
 * Kafka's serdes, and with them those of schema registries: Confluent's Avro, Protobuf and JSON Schema
 * serdes are such. Needs {@code org.apache.kafka:kafka-clients}, which whoever has such a serde has too.
 */
public final class KafkaSerdes {
  private KafkaSerdes() {}

  /**
   * Makes a serde of a Kafka serde. Configure that one first, as a key's or a value's. Handlers of several
   * tasks use it at once, as Kafka's own serdes and Confluent's allow.
   *
   * @param <T> what handlers see
   * @param serde Kafka's serde; it takes null for a null key or a tombstone, as Kafka's do
   * @param topic the topic that the records are read from or written to: registries name schemas by it. For
   *     a store, its changelog, {@code <application.id>-<name>-changelog}
   * @return the serde
   */
  public static <T> Serde<T> wrap(
      org.apache.kafka.common.serialization.Serde<T> serde, String topic) {
    Objects.requireNonNull(topic, "topic");
    var serializer = serde.serializer();
    var deserializer = serde.deserializer();
    return Serde.of(
        value -> serializer.serialize(topic, value), bytes -> deserializer.deserialize(topic, bytes));
  }
}
