import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own clients as a loop: every record of a topic to another, its offsets in the same
 * transaction, a commit each 100 ms; and the input that both loops read.
 *
 *   CopyLoop fill BOOTSTRAP TOPIC RECORDS
 *   CopyLoop copy BOOTSTRAP IN OUT GROUP RECORDS
 *   CopyLoop count BOOTSTRAP TOPIC
 */
public final class CopyLoop {
  private static final long COMMIT_NANOS = 100_000_000L;
  private static final int KEYS = 10_000;
  private static final int KEY_BYTES = 16;
  private static final int VALUE_BYTES = 100;

  public static void main(String[] args) throws Exception {
    if (args[0].equals("fill")) fill(args[1], args[2], Integer.parseInt(args[3]));
    else if (args[0].equals("count")) count(args[1], args[2]);
    else copy(args[1], args[2], args[3], args[4], Long.parseLong(args[5]));
  }

  private static Properties producer(String bootstrap) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("batch.size", 131_072);
    config.put("linger.ms", 5);
    return config;
  }

  private static void fill(String bootstrap, String topic, int records) {
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (var producer = new KafkaProducer<byte[], byte[]>(producer(bootstrap), bytes, bytes)) {
      for (int i = 0; i < records; i++) {
        byte[] key = ByteBuffer.allocate(KEY_BYTES).putLong(0).putLong(i % KEYS).array();
        byte[] value = ByteBuffer.allocate(VALUE_BYTES).putLong(i).array();
        producer.send(new ProducerRecord<>(topic, key, value));
      }
    }
  }

  /** Committed records, to the end. */
  private static void count(String bootstrap, String topic) {
    Properties read = new Properties();
    read.put("bootstrap.servers", bootstrap);
    read.put("isolation.level", "read_committed");
    var deserializer = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(read, deserializer, deserializer)) {
      List<TopicPartition> all =
          consumer.partitionsFor(topic).stream()
              .map(each -> new TopicPartition(topic, each.partition()))
              .toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      long records = 0;
      while (all.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
        records += consumer.poll(Duration.ofMillis(200)).count();
      }
      System.out.println(records);
    }
  }

  private static double cpuMillis() {
    var system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e6;
  }

  private static double millis() {
    return System.nanoTime() / 1e6;
  }

  private static void copy(String bootstrap, String in, String out, String group, long records) {
    Properties read = new Properties();
    read.put("bootstrap.servers", bootstrap);
    read.put("group.id", group);
    read.put("enable.auto.commit", "false");
    read.put("isolation.level", "read_committed");
    read.put("auto.offset.reset", "earliest");
    read.put("max.poll.records", "1000");
    Properties write = producer(bootstrap);
    write.put("transactional.id", group + "-0");
    var serializer = new ByteArraySerializer();
    var deserializer = new ByteArrayDeserializer();
    try (var producer = new KafkaProducer<byte[], byte[]>(write, serializer, serializer);
        var consumer = new KafkaConsumer<byte[], byte[]>(read, deserializer, deserializer)) {
      producer.initTransactions();
      consumer.subscribe(List.of(in));
      Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
      while (consumer.assignment().isEmpty()) consumer.poll(Duration.ofMillis(20));
      consumer.seekToBeginning(consumer.assignment());
      double startMs = millis(), startCpu = cpuMillis(), halfMs = startMs, halfCpu = startCpu;
      long copied = 0, committed = 0, last = System.nanoTime();
      boolean open = false, isHalf = false;
      while (committed < records) {
        long left = open ? Math.max(0, COMMIT_NANOS - (System.nanoTime() - last)) : COMMIT_NANOS;
        var found = consumer.poll(Duration.ofNanos(left));
        if (!found.isEmpty() && !open) {
          producer.beginTransaction();
          open = true;
          last = System.nanoTime();
        }
        for (var each : found) {
          Long at = each.timestamp();
          producer.send(new ProducerRecord<>(out, null, at, each.key(), each.value()));
          copied += 1;
        }
        for (var at : found.partitions()) {
          var list = found.records(at);
          offsets.put(at, new OffsetAndMetadata(list.get(list.size() - 1).offset() + 1));
        }
        if (open && (System.nanoTime() - last >= COMMIT_NANOS || copied >= records)) {
          producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
          producer.commitTransaction();
          offsets.clear();
          open = false;
          committed = copied;
          if (!isHalf && committed >= records / 2) {
            isHalf = true;
            halfMs = millis();
            halfCpu = cpuMillis();
          }
        }
      }
      double endMs = millis(), endCpu = cpuMillis();
      System.out.printf(
          java.util.Locale.ROOT,
          "{\"records\":%d,\"totalCpuMs\":%.1f,\"ms\":%.1f,\"cpuMs\":%.1f,"
              + "\"lastHalfMs\":%.1f,\"lastHalfCpuMs\":%.1f}%n",
          committed, endCpu, endMs - startMs, endCpu - startCpu, endMs - halfMs, endCpu - halfCpu);
    }
  }
}
