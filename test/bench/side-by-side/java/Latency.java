import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends at a steady rate, whatever comes back, and reads committed outputs: how long each record took,
 * from the time when it was due to be sent until its output was read. A sender that is late makes the
 * latency longer, never shorter.
 *
 *   Latency BOOTSTRAP INPUT OUTPUT DATASET WORKLOAD PER_SECOND WARM_UP_SECONDS
 *
 * Record 0 goes alone, and the others follow when its output is there. Says `measuring` when the warm-up
 * is over, `sent` when everything is sent, and at last the quantiles in JSON.
 */
public final class Latency {
  private static final long GIVE_UP_SECONDS = 60;
  private static final double NANOS_PER_MS = 1e6;

  private final Dataset dataset;
  private final String workload;
  /** When each record was due, then how long it took; 0 while it has no output. */
  private final long[] dueNanos;
  private final long[] tookNanos;
  private final CountDownLatch isUp = new CountDownLatch(1);
  private final CountDownLatch isAllRead = new CountDownLatch(1);
  private final AtomicInteger read = new AtomicInteger();

  public static void main(String[] args) throws Exception {
    Latency latency = new Latency(new Dataset(args[3]), args[4]);
    Thread reader = new Thread(() -> latency.read(args[0], args[2]));
    reader.setDaemon(true);
    reader.start();
    int perSecond = Integer.parseInt(args[5]);
    int first = 1 + perSecond * Integer.parseInt(args[6]);
    latency.send(args[0], args[1], perSecond, first);
    if (!latency.isAllRead.await(GIVE_UP_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException(latency.read.get() + " outputs of " + latency.dueNanos.length);
    }
    latency.report(first);
  }

  private Latency(Dataset dataset, String workload) {
    this.dataset = dataset;
    this.workload = workload;
    dueNanos = new long[dataset.records];
    tookNanos = new long[dataset.records];
  }

  private void send(String bootstrap, String input, int perSecond, int first) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("linger.ms", 0);
    var bytes = new ByteArraySerializer();
    try (var producer = new KafkaProducer<byte[], byte[]>(config, bytes, bytes)) {
      dueNanos[0] = System.nanoTime();
      producer.send(record(input, 0));
      if (!isUp.await(GIVE_UP_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the first record had no output");
      }
      long begun = System.nanoTime();
      for (int i = 1; i < dataset.records; i++) {
        long due = begun + (i - 1) * 1_000_000_000L / perSecond;
        dueNanos[i] = due;
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
          LockSupport.parkNanos(left);
        }
        if (i == first) System.out.println("measuring");
        producer.send(record(input, i));
      }
    }
    System.out.println("sent");
  }

  private ProducerRecord<byte[], byte[]> record(String input, int i) {
    byte[] value = new byte[dataset.valueBytes];
    dataset.fill(i, value);
    byte[] key = Dataset.keyBytes(dataset.key(i));
    return new ProducerRecord<>(input, null, dataset.timestamp(i), key, value);
  }

  private void read(String bootstrap, String output) {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("isolation.level", "read_committed");
    config.put("fetch.min.bytes", 1);
    Verdict verdict = new Verdict(dataset, workload);
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(config, bytes, bytes)) {
      List<TopicPartition> all =
          consumer.partitionsFor(output).stream()
              .map(each -> new TopicPartition(output, each.partition()))
              .toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (read.get() < dataset.records) {
        var found = consumer.poll(Duration.ofMillis(100));
        long now = System.nanoTime();
        for (var each : found) {
          int i = verdict.see(each.key(), each.value());
          if (i < 0) continue;
          tookNanos[i] = now - dueNanos[i];
          read.incrementAndGet();
          isUp.countDown();
        }
      }
      isAllRead.countDown();
    }
  }

  private void report(int first) {
    long[] sorted = Arrays.copyOfRange(tookNanos, first, tookNanos.length);
    Arrays.sort(sorted);
    System.out.printf(
        Locale.ROOT,
        "{\"records\":%d,\"p50Ms\":%.2f,\"p99Ms\":%.2f,\"p999Ms\":%.2f,\"mostMs\":%.2f}%n",
        sorted.length, at(sorted, 0.5), at(sorted, 0.99), at(sorted, 0.999), at(sorted, 1));
  }

  /** The least value that this share of all does not exceed. */
  private static double at(long[] sorted, double share) {
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(0, rank - 1)] / NANOS_PER_MS;
  }
}
