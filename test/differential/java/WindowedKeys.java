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
 * Reads every committed record of topics, keys by Kafka Streams' own windowed deserialisers, values as
 * longs: `key start end value partition` in a line, separated by tabs; `end` behind each topic.
 *
 *   WindowedKeys BOOTSTRAP [time|changelog|session SIZE_MS TOPIC]...
 */
public final class WindowedKeys {
  public static void main(String[] args) {
    for (int at = 1; at < args.length; at += 3) {
      read(args[0], keys(args[at], Long.parseLong(args[at + 1])), args[at + 2]);
    }
  }

  private static void read(String bootstrap, Deserializer<Windowed<String>> keys, String topic) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("isolation.level", "read_committed");
    try (KafkaConsumer<Windowed<String>, Long> consumer =
        new KafkaConsumer<>(config, keys, new LongDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      consumer
          .partitionsFor(topic)
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
                  String.valueOf(record.value()),
                  String.valueOf(record.partition())));
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
