import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * Kafka Streams applications on a real broker, as long as standard input says: a line `{"do": "start",
 * "id", "nodes", "guarantee"}` starts one, `{"do": "stop", "id"}` ends it; each is answered by a line.
 *
 *   Instances BOOTSTRAP STATE_DIR
 */
public final class Instances {
  public static void main(String[] args) throws Exception {
    Map<String, KafkaStreams> running = new HashMap<>();
    ObjectMapper json = new ObjectMapper();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode asked = json.readTree(line);
      String id = asked.path("id").asText();
      if (asked.path("do").asText().equals("start")) {
        running.put(id, start(asked, args[0], Path.of(args[1])));
        System.out.println("started " + id);
      } else {
        // Else its member stays in the group until its session ends.
        CloseOptions leaving =
            CloseOptions.timeout(Duration.ofSeconds(30))
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);
        boolean isClosed = running.remove(id).close(leaving);
        System.out.println((isClosed ? "stopped " : "still running: ") + id);
      }
    }
    running.values().forEach(KafkaStreams::close);
  }

  private static KafkaStreams start(JsonNode asked, String bootstrap, Path stateDir)
      throws Exception {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, asked.path("id").asText());
    config.put(StreamsConfig.STATE_DIR_CONFIG, stateDir.toString());
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, asked.path("guarantee").asText());
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    KafkaStreams streams =
        new KafkaStreams(Topologies.build(asked.path("nodes"), Topologies.Times.OWN).build(), config);
    streams.setUncaughtExceptionHandler(
        thrown -> {
          thrown.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    CountDownLatch running = new CountDownLatch(1);
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) running.countDown();
        });
    streams.start();
    running.await();
    return streams;
  }
}
