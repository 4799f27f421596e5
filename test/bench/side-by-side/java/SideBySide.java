import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Makes the input of the side-by-side benchmark, and reads and judges what a system made of it.
 *
 *   SideBySide fill BOOTSTRAP TOPIC DATASET FROM TO
 *   SideBySide judge BOOTSTRAP TOPIC DATASET WORKLOAD
 *   SideBySide planted WORKLOAD
 *
 * `judge` says in JSON how many records are committed, when the broker appended the first, the middle
 * and the last, and what is wrong. `planted` judges outputs of its own that have one fault each.
 */
public final class SideBySide {
  private static final int PLANTED_RECORDS = 300_000;
  private static final List<String> PLANTED =
      List.of(
          "none", "lost", "last-lost", "doubled", "last-doubled", "swapped", "altered",
          "of-another", "null", "foreign");
  private static final long SETTLE_NANOS = 60_000_000_000L;

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "fill" -> {
        int from = Integer.parseInt(args[4]);
        fill(args[1], args[2], new Dataset(args[3]), from, Integer.parseInt(args[5]));
      }
      case "judge" -> judge(args[1], args[2], new Dataset(args[3]), args[4]);
      case "planted" -> planted(args[1]);
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  /** Idempotent, as a producer is by default: a request that is repeated doubles nothing. */
  private static void fill(
      String bootstrap, String topic, Dataset dataset, int from, int to) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("enable.idempotence", "true");
    config.put("acks", "all");
    config.put("batch.size", 131_072);
    config.put("linger.ms", 5);
    AtomicReference<Exception> failure = new AtomicReference<>();
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (var producer = new KafkaProducer<byte[], byte[]>(config, bytes, bytes)) {
      for (int i = from; i < to && failure.get() == null; i++) {
        byte[] value = new byte[dataset.valueBytes];
        dataset.fill(i, value);
        byte[] key = Dataset.keyBytes(dataset.key(i));
        var record = new ProducerRecord<>(topic, null, dataset.timestamp(i), key, value);
        producer.send(
            record,
            (done, error) -> {
              if (error != null) failure.compareAndSet(null, error);
            });
      }
    }
    if (failure.get() != null) throw new IllegalStateException("not all was sent", failure.get());
  }

  private static void judge(String bootstrap, String topic, Dataset dataset, String workload)
      throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("isolation.level", "read_committed");
    config.put("max.poll.records", "10000");
    config.put("max.partition.fetch.bytes", 8 << 20);
    Verdict verdict = new Verdict(dataset, workload);
    long[] appendedMs = new long[dataset.records];
    int records = 0;
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(config, bytes, bytes)) {
      List<TopicPartition> all =
          consumer.partitionsFor(topic).stream()
              .map(each -> new TopicPartition(topic, each.partition()))
              .toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = settledEnds(bootstrap, all);
      while (all.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
        for (var each : consumer.poll(Duration.ofMillis(200))) {
          verdict.see(each.key(), each.value());
          if (records == appendedMs.length) appendedMs = Arrays.copyOf(appendedMs, records * 2);
          appendedMs[records++] = each.timestamp();
        }
      }
    }
    verdict.end();
    Arrays.sort(appendedMs, 0, records);
    long firstMs = records == 0 ? 0 : appendedMs[0];
    long halfMs = records == 0 ? 0 : appendedMs[records / 2];
    long lastMs = records == 0 ? 0 : appendedMs[records - 1];
    String fault = verdict.first() == null ? "null" : '"' + verdict.first() + '"';
    System.out.printf(
        Locale.ROOT,
        "{\"records\":%d,\"firstMs\":%d,\"halfMs\":%d,\"lastMs\":%d,\"faults\":%d,\"fault\":%s}%n",
        records, firstMs, halfMs, lastMs, verdict.faults(), fault);
  }

  /** Where the output ends, once no transaction is open: the last markers follow a commit's answer. */
  private static Map<TopicPartition, Long> settledEnds(String bootstrap, List<TopicPartition> all)
      throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", (Object) bootstrap))) {
      long deadline = System.nanoTime() + SETTLE_NANOS;
      while (true) {
        var stable = ends(admin, all, IsolationLevel.READ_COMMITTED);
        if (stable.equals(ends(admin, all, IsolationLevel.READ_UNCOMMITTED))) return stable;
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("a transaction is open on the output, and stays so");
        }
        Thread.sleep(50);
      }
    }
  }

  private static Map<TopicPartition, Long> ends(
      Admin admin, List<TopicPartition> all, IsolationLevel isolation) throws Exception {
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    for (TopicPartition at : all) latest.put(at, OffsetSpec.latest());
    Map<TopicPartition, Long> ends = new HashMap<>();
    var found = admin.listOffsets(latest, new ListOffsetsOptions(isolation)).all().get();
    found.forEach((at, end) -> ends.put(at, end.offset()));
    return ends;
  }

  /** Outputs that are right but for one fault each, to see that it is told. */
  private static void planted(String workload) {
    for (String fault : PLANTED) {
      Verdict verdict = plant(workload, fault);
      System.out.println(fault + ": " + (verdict.faults() == 0 ? "right" : verdict.first()));
    }
  }

  private static Verdict plant(String workload, String fault) {
    Dataset dataset = new Dataset(PLANTED_RECORDS + ":0:42:10000:uniform:100");
    Verdict verdict = new Verdict(dataset, workload);
    Outputs outputs = new Outputs(dataset, workload);
    int middle = PLANTED_RECORDS / 2;
    int at = fault.startsWith("last-") ? outputs.lastOf(middle) : middle;
    int other = outputs.lastOf(at);
    for (int i = 0; i < PLANTED_RECORDS; i++) {
      boolean isIt = i == at;
      if (isIt && fault.endsWith("lost")) continue;
      boolean isSwapped = fault.equals("swapped") && (isIt || i == other);
      int from = !isSwapped ? i : isIt ? other : at;
      byte[] key = outputs.key(isIt && fault.equals("of-another") ? i + 1 : from);
      byte[] value = isIt && fault.equals("null") ? null : outputs.value(from);
      if (isIt && fault.equals("altered")) value[value.length - 1] ^= 1;
      if (isIt && fault.equals("foreign")) key[3] = 'x';
      verdict.see(key, value);
      if (isIt && fault.endsWith("doubled")) verdict.see(key, value);
    }
    verdict.end();
    return verdict;
  }
}
