import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The three workloads by hand, with Kafka's own clients: a loop with a transaction each 100 ms, its state
 * in a hash map, its changelog in the same transaction. A limit, nothing to use: it restores nothing.
 *
 *   RawPeer WORKLOAD BOOTSTRAP INPUT OUTPUT GROUP
 */
public final class RawPeer {
  private static final long COMMIT_NANOS = 100_000_000L;
  private static final long WINDOW_MS = 300_000;

  private record Group(String key, long window) {}

  private final String workload;
  private final String output;
  private final String changelog;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<Group, long[]> state = new HashMap<>();
  private final Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();

  public static void main(String[] args) throws Exception {
    RawPeer peer = new RawPeer(args[0], args[1], args[3], args[4]);
    Thread loop = Thread.currentThread();
    Runnable stop =
        () -> {
          peer.consumer.wakeup();
          try {
            loop.join(10_000);
          } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
          }
        };
    Runtime.getRuntime().addShutdownHook(new Thread(stop));
    peer.run(args[2]);
  }

  private RawPeer(String workload, String bootstrap, String output, String group)
      throws Exception {
    this.workload = workload;
    this.output = output;
    changelog = group + "-changelog";
    if (!workload.equals("W1")) {
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) bootstrap))) {
        NewTopic topic = new NewTopic(changelog, 4, (short) 1);
        topic.configs(Map.of("cleanup.policy", "compact"));
        admin.createTopics(List.of(topic)).all().get();
      }
    }
    Properties read = new Properties();
    read.put("bootstrap.servers", bootstrap);
    read.put("group.id", group);
    read.put("enable.auto.commit", "false");
    read.put("isolation.level", "read_committed");
    read.put("auto.offset.reset", "earliest");
    read.put("max.poll.records", "1000");
    Properties write = new Properties();
    write.put("bootstrap.servers", bootstrap);
    write.put("transactional.id", group + "-0");
    write.put("batch.size", 131_072);
    write.put("linger.ms", 5);
    var serializer = new ByteArraySerializer();
    var deserializer = new ByteArrayDeserializer();
    producer = new KafkaProducer<>(write, serializer, serializer);
    consumer = new KafkaConsumer<>(read, deserializer, deserializer);
  }

  private void run(String input) {
    producer.initTransactions();
    consumer.subscribe(List.of(input));
    boolean open = false;
    long begun = System.nanoTime();
    try {
      while (true) {
        // An open transaction's commit is never slept past.
        long left = open ? Math.max(0, COMMIT_NANOS - (System.nanoTime() - begun)) : COMMIT_NANOS;
        var found = consumer.poll(Duration.ofNanos(left));
        if (!found.isEmpty() && !open) {
          producer.beginTransaction();
          open = true;
          begun = System.nanoTime();
        }
        for (var record : found) process(record);
        for (var at : found.partitions()) {
          var records = found.records(at);
          long next = records.get(records.size() - 1).offset() + 1;
          offsets.put(at, new OffsetAndMetadata(next));
        }
        if (open && System.nanoTime() - begun >= COMMIT_NANOS) {
          commit();
          open = false;
        }
      }
    } catch (WakeupException stopped) {
      if (open) commit();
    } finally {
      producer.close(Duration.ofSeconds(5));
      consumer.close();
    }
  }

  private void commit() {
    producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    producer.commitTransaction();
    offsets.clear();
  }

  private void process(ConsumerRecord<byte[], byte[]> record) {
    byte[] key = record.key();
    byte[] value = record.value();
    if (!workload.equals("W1")) {
      boolean isWindowed = workload.equals("W2");
      long window = isWindowed ? record.timestamp() - record.timestamp() % WINDOW_MS : 0;
      Group group = new Group(new String(key, StandardCharsets.ISO_8859_1), window);
      long[] totals = state.computeIfAbsent(group, first -> new long[2]);
      totals[0] += 1;
      totals[1] += ByteBuffer.wrap(value).getLong(8);
      if (isWindowed) {
        key = ByteBuffer.allocate(key.length + 8).put(key).putLong(window).array();
        value = ByteBuffer.allocate(8).putLong(totals[0]).array();
      } else {
        value = ByteBuffer.allocate(16).putLong(totals[0]).putLong(totals[1]).array();
      }
      producer.send(
          new ProducerRecord<>(changelog, record.partition(), record.timestamp(), key, value));
    }
    producer.send(new ProducerRecord<>(output, null, record.timestamp(), key, value));
  }
}
