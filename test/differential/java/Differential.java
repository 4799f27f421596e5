import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.test.TestRecord;

/**
 * Runs topologies by Kafka Streams' TopologyTestDriver: a case is a line of JSON on standard input, and
 * what came of it a line on standard output. Bytes are in base64.
 */
public final class Differential {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String APPLICATION_ID = "test";

  public static void main(String[] args) throws Exception {
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    InputStreamReader input = new InputStreamReader(System.in, StandardCharsets.UTF_8);
    BufferedReader lines = new BufferedReader(input);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      ObjectNode answer = JSON.createObjectNode();
      try {
        run(JSON.readTree(line), answer);
      } catch (Exception thrown) {
        answer.put("error", String.valueOf(thrown) + causesOf(thrown));
      }
      answers.println(JSON.writeValueAsString(answer));
    }
  }

  private static String causesOf(Throwable thrown) {
    Throwable cause = thrown.getCause();
    return cause == null ? "" : " <- " + cause + causesOf(cause);
  }

  private static void run(JsonNode asked, ObjectNode answer) {
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, APPLICATION_ID);
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    // What closes is forwarded by the record that closes it, not once a second.
    config.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
    config.put(StreamsConfig.STATE_DIR_CONFIG, asked.path("stateDir").asText());
    JsonNode nodes = asked.path("nodes");
    Topologies.Times times = Topologies.Times.stamped(asked.path("as"));
    Instant start = Instant.ofEpochMilli(asked.path("wallClockMs").asLong());
    try (TopologyTestDriver driver =
        new TopologyTestDriver(Topologies.build(nodes, times).build(), config, start)) {
      for (JsonNode record : asked.path("input")) pipe(driver, record);
      outputs(driver, nodes, answer.putArray("outputs"));
      changelogs(driver, answer.putObject("changelogs"));
      ObjectNode stores = answer.putObject("stores");
      Map<String, StateStore> all = driver.getAllStateStores();
      // A buffer has a layout of its own in each of the two.
      all.keySet().stream()
          .filter(name -> !name.contains("KTABLE-SUPPRESS"))
          .forEach(name -> entries(driver, name, stores.putArray(name)));
    }
  }

  private static void pipe(TopologyTestDriver driver, JsonNode record) {
    RecordHeaders headers = new RecordHeaders();
    for (JsonNode header : record.path("headers")) {
      headers.add(header.get(0).asText(), bytes(header.get(1)));
    }
    TestInputTopic<byte[], byte[]> topic =
        driver.createInputTopic(
            record.path("topic").asText(), new ByteArraySerializer(), new ByteArraySerializer());
    topic.pipeInput(
        new TestRecord<>(
            bytes(record.path("key")),
            bytes(record.path("value")),
            headers,
            record.path("at").asLong()));
  }

  private static void outputs(TopologyTestDriver driver, JsonNode nodes, ArrayNode outputs) {
    java.util.Set<String> topics = new java.util.LinkedHashSet<>();
    for (JsonNode node : nodes) {
      if (node.path("op").asText().equals("to")) topics.add(node.path("topic").asText());
      if (node.path("op").asText().equals("toChosen")) {
        for (JsonNode topic : node.path("topics")) topics.add(topic.asText());
      }
    }
    for (String topic : topics) {
      for (TestRecord<byte[], byte[]> record : read(driver, topic)) {
        ObjectNode output = outputs.addObject();
        output.put("topic", topic);
        put(output, "key", record.key());
        put(output, "value", record.value());
        output.put("at", record.timestamp());
        ArrayNode headers = output.putArray("headers");
        for (Header header : record.headers()) {
          if (header.key().equals(Processors.ENTERED)) {
            output.put("enteredAt", Long.parseLong(new String(header.value())));
            continue;
          }
          ArrayNode pair = headers.addArray();
          pair.add(header.key());
          pair.add(header.value() == null ? null : encode(header.value()));
        }
      }
    }
  }

  private static Iterable<TestRecord<byte[], byte[]>> read(TopologyTestDriver driver, String topic) {
    return driver
        .createOutputTopic(topic, new ByteArrayDeserializer(), new ByteArrayDeserializer())
        .readRecordsToList();
  }

  private static void changelogs(TopologyTestDriver driver, ObjectNode changelogs) {
    for (String topic : driver.producedTopicNames()) {
      if (!topic.endsWith("-changelog") || topic.contains("KTABLE-SUPPRESS")) continue;
      ArrayNode records = changelogs.putArray(topic);
      for (TestRecord<byte[], byte[]> record : read(driver, topic)) {
        ObjectNode entry = records.addObject();
        put(entry, "key", record.key());
        put(entry, "value", record.value());
        entry.put("at", record.timestamp());
      }
    }
  }

  /** Entries by their serialised key, and window where there is one. */
  private static void entries(TopologyTestDriver driver, String name, ArrayNode entries) {
    if (driver.getWindowStore(name) != null) {
      windows(driver.getWindowStore(name).all(), entries);
    } else if (driver.getSessionStore(name) != null) {
      SessionStore<Object, Object> store = driver.getSessionStore(name);
      windows(store.fetch(null, null), entries);
    } else {
      try (KeyValueIterator<Object, Object> found = driver.getKeyValueStore(name).all()) {
        while (found.hasNext()) {
          KeyValue<Object, Object> entry = found.next();
          ObjectNode node = entries.addObject();
          put(node, "key", serialized(entry.key));
          put(node, "value", serialized(entry.value));
        }
      }
    }
  }

  private static <K> void windows(KeyValueIterator<Windowed<K>, Object> found, ArrayNode entries) {
    try (found) {
      while (found.hasNext()) {
        KeyValue<Windowed<K>, Object> entry = found.next();
        ObjectNode node = entries.addObject();
        put(node, "key", serialized(entry.key.key()));
        put(node, "value", serialized(entry.value));
        node.put("start", entry.key.window().start());
        node.put("end", entry.key.window().end());
      }
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static byte[] serialized(Object value) {
    Serde serde = Serdes.String();
    if (value instanceof Long) serde = Serdes.Long();
    if (value instanceof Integer) serde = Serdes.Integer();
    if (value instanceof Double) serde = Serdes.Double();
    return serde.serializer().serialize("", value);
  }

  private static void put(ObjectNode node, String name, byte[] bytes) {
    node.put(name, bytes == null ? null : encode(bytes));
  }

  private static String encode(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static byte[] bytes(JsonNode text) {
    return text.isTextual() ? Base64.getDecoder().decode(text.asText()) : null;
  }
}
