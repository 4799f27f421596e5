import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.kstream.SessionWindowedDeserializer;
import org.apache.kafka.streams.kstream.TimeWindowedDeserializer;
import org.apache.kafka.streams.kstream.Windowed;

/**
 * Reads every committed record of a topic, keys by Kafka Streams' own windowed deserialisers, values as
 * longs: `key start end value` in a line, separated by tabs; at last `end`.
 *
 *   WindowedKeys BOOTSTRAP time|changelog|session SIZE_MS TOPIC
 */
public final class WindowedKeys {
  public static void main(String[] args) {
    Properties config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("isolation.level", "read_committed");
    try (KafkaConsumer<Windowed<String>, Long> consumer =
        new KafkaConsumer<>(
            config, keys(args[1], Long.parseLong(args[2])), new LongDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      consumer
          .partitionsFor(args[3])
          .forEach(info -> all.add(new TopicPartition(info.topic(), info.partition())));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      var ends = consumer.endOffsets(all);
      while (all.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
        for (ConsumerRecord<Windowed<String>, Long> record : consumer.poll(Duration.ofMillis(200))) {
          Windowed<String> key = record.key();
          System.out.println(
              String.join(
                  "\t",
                  key.key(),
                  String.valueOf(key.window().start()),
                  String.valueOf(key.window().end()),
                  String.valueOf(record.value())));
        }
      }
    }
    System.out.println("end");
  }

  private static Deserializer<Windowed<String>> keys(String kind, long sizeMs) {
    if (kind.equals("session")) return new SessionWindowedDeserializer<>(new StringDeserializer());
    TimeWindowedDeserializer<String> times =
        new TimeWindowedDeserializer<>(new StringDeserializer(), sizeMs);
    times.setIsChangelogTopic(kind.equals("changelog"));
    return times;
  }
}
