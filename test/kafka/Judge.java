import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * An independent judge: Kafka's own Java client.
 *
 *   Judge read BOOTSTRAP TOPIC...      every committed record, one line each, up to the end
 *   Judge follow BOOTSTRAP TOPIC...    the same, as they are committed, until stdin ends, then up to the end
 *   Judge produce BOOTSTRAP            runs the script on stdin, one step a line
 *   Judge join BOOTSTRAP GROUP TOPIC   is a member of the group until stdin ends
 *   Judge send BOOTSTRAP TOPIC AT_LEAST PER_SECOND   a steady input until stdin ends
 *   Judge quota BOOTSTRAP BYTES        of each client by default: what it may send and read a second
 *   Judge facts BOOTSTRAP GROUP WAIT_MS TOPIC...   ids and ends of the topics, the group's offsets
 *                                      with their history, and what is open after so long a wait
 */
public final class Judge {
  public static void main(String[] args) throws Exception {
    boolean follows = args[0].equals("follow");
    if (follows || args[0].equals("read")) {
      read(args[1], List.of(args).subList(2, args.length), follows);
    }
    else if (args[0].equals("join")) join(args[1], args[2], args[3]);
    else if (args[0].equals("quota")) quota(args[1], Double.parseDouble(args[2]));
    else if (args[0].equals("send")) {
      Sender.run(args[1], args[2], Long.parseLong(args[3]), Integer.parseInt(args[4]));
    } else if (args[0].equals("facts")) {
      Facts.print(args[1], args[2], Long.parseLong(args[3]), List.of(args).subList(4, args.length));
    } else produce(args[1]);
  }

  /** By the consumer protocol of KIP-848; says `joined` once it has partitions. */
  private static void join(String bootstrap, String group, String topic) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("group.id", group);
    config.put("client.id", "intruder");
    config.put("group.protocol", "consumer");
    config.put("enable.auto.commit", "false");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      while (consumer.assignment().isEmpty()) consumer.poll(Duration.ofMillis(100));
      System.out.println("joined");
      while (System.in.available() == 0) consumer.poll(Duration.ofMillis(100));
    }
    System.out.println("end");
  }

  private static void quota(String bootstrap, double bytes) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    Map<String, String> everyClient = new HashMap<>();
    everyClient.put(ClientQuotaEntity.CLIENT_ID, null);
    List<ClientQuotaAlteration.Op> rates =
        List.of(
            new ClientQuotaAlteration.Op("producer_byte_rate", bytes),
            new ClientQuotaAlteration.Op("consumer_byte_rate", bytes));
    try (Admin admin = Admin.create(config)) {
      var alteration = new ClientQuotaAlteration(new ClientQuotaEntity(everyClient), rates);
      admin.alterClientQuotas(List.of(alteration)).all().get();
    }
    System.out.println("end");
  }

  /** topic, partition, offset, timestamp, key, value, then header keys and values; tab-separated. */
  private static void read(String bootstrap, List<String> topics, boolean follows)
      throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("isolation.level", IsolationLevel.READ_COMMITTED.toString());
    config.put("enable.auto.commit", "false");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      for (String topic : topics) {
        consumer.partitionsFor(topic)
            .forEach(info -> all.add(new TopicPartition(topic, info.partition())));
      }
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (follows && System.in.available() == 0) print(consumer, Map.of());
      // With read_committed the end is the last stable offset: everything decided by now.
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
        print(consumer, ends);
      }
      System.out.println("end");
    }
  }

  /** What comes of one poll, below the ends of those partitions that have one. */
  private static void print(
      KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
    StringBuilder out = new StringBuilder();
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
      Long end = ends.get(new TopicPartition(record.topic(), record.partition()));
      if (end != null && record.offset() >= end) continue;
      out.append(record.topic()).append('\t').append(record.partition()).append('\t');
      out.append(record.offset()).append('\t').append(record.timestamp()).append('\t');
      out.append(encode(record.key())).append('\t').append(encode(record.value()));
      for (Header header : record.headers()) {
        byte[] name = header.key().getBytes(StandardCharsets.UTF_8);
        out.append('\t').append(encode(name)).append('\t').append(encode(header.value()));
      }
      out.append('\n');
    }
    System.out.print(out);
  }

  /**
   * Steps: `begin ID`, `send ID TOPIC PARTITION TIMESTAMP KEY VALUE [HEADER VALUE]...`, `flush ID`,
   * `commit ID`, `abort ID`; keys, values and headers in base64, `-` for null; fields separated by
   * blanks. `ID@CODEC` compresses. The id `-` is a producer without transactions.
   */
  private static void produce(String bootstrap) throws Exception {
    Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] step = line.split(" ", -1);
      KafkaProducer<byte[], byte[]> producer =
          producers.computeIfAbsent(step[1], id -> open(bootstrap, id));
      switch (step[0]) {
        case "begin" -> producer.beginTransaction();
        case "send" -> producer.send(record(step));
        case "flush" -> producer.flush();
        case "commit" -> producer.commitTransaction();
        case "abort" -> producer.abortTransaction();
        default -> throw new IllegalArgumentException(line);
      }
    }
    producers.values().forEach(KafkaProducer::close);
    System.out.println("end");
  }

  private static ProducerRecord<byte[], byte[]> record(String[] step) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(
            step[2],
            Integer.parseInt(step[3]),
            Long.parseLong(step[4]),
            decode(step[5]),
            decode(step[6]));
    for (int i = 7; i < step.length; i += 2) {
      String name = new String(decode(step[i]), StandardCharsets.UTF_8);
      record.headers().add(name, decode(step[i + 1]));
    }
    return record;
  }

  private static KafkaProducer<byte[], byte[]> open(String bootstrap, String name) {
    String id = name.split("@")[0];
    String codec = name.contains("@") ? name.split("@")[1] : "none";
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("acks", "all");
    // Records of one flush stay in one batch.
    config.put("linger.ms", "60000");
    config.put("batch.size", "1000000");
    config.put("compression.type", codec);
    if (!id.equals("-")) config.put("transactional.id", id);
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    if (!id.equals("-")) producer.initTransactions();
    return producer;
  }

  private static String encode(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }

  private static byte[] decode(String text) {
    return text.equals("-") ? null : Base64.getDecoder().decode(text);
  }
}
