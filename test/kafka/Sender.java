import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A steady input: idempotent, acks=all, in order per key, whatever befalls the brokers. */
final class Sender {
  private static final int KEYS = 240;
  /** Longer than any trouble of a test: a record that is given up leaves a gap in no order. */
  private static final int DELIVERY_MS = 300_000;

  private Sender() {}

  /**
   * So many records a second until stdin has something or ends, and at least so many: key `k<n>`, value
   * `<number>`, a millisecond of event time each. Says how many were acknowledged.
   */
  static void run(String bootstrap, String topic, long atLeast, int perSecond) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", bootstrap);
    config.put("acks", "all");
    config.put("enable.idempotence", "true");
    config.put("delivery.timeout.ms", DELIVERY_MS);
    config.put("request.timeout.ms", 5_000);
    // Partitions that are new are used soon.
    config.put("metadata.max.age.ms", 1_000);
    config.put("linger.ms", 5);
    config.put("max.block.ms", DELIVERY_MS);
    AtomicLong acknowledged = new AtomicLong();
    AtomicLong failed = new AtomicLong();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      long startedAt = System.nanoTime();
      long firstMs = System.currentTimeMillis();
      System.out.println("sending");
      for (long sent = 0; sent < atLeast || System.in.available() == 0; sent++) {
        long dueNs = startedAt + sent * 1_000_000_000L / perSecond;
        long early = dueNs - System.nanoTime();
        if (early > 1_000_000L) Thread.sleep(early / 1_000_000L);
        byte[] key = ("k" + sent * 7919 % KEYS).getBytes(StandardCharsets.UTF_8);
        byte[] value = Long.toString(sent).getBytes(StandardCharsets.UTF_8);
        producer.send(
            new ProducerRecord<>(topic, null, firstMs + sent, key, value),
            (metadata, error) -> (error == null ? acknowledged : failed).incrementAndGet());
      }
    }
    System.out.println(acknowledged + "\t" + failed);
    System.out.println("end");
  }
}
