import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The checker's workload as a Kafka Streams application with exactly-once v2: the same topics, stores
 * and formats as `app.ts`. The checker must find nothing wrong with it.
 *
 *   Workload BOOTSTRAP PREFIX STATE_DIR
 */
public final class Workload {
  private static final int LIST_MAX = 24;
  private static final long WINDOW_MS = 1_000;
  private static final long GRACE_MS = 1_000;

  public static void main(String[] args) throws Exception {
    String prefix = args[1];
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 50);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    // A killed process holds its partitions for so long, as a sidecar's would.
    config.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6_000);
    config.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 1_000);
    KafkaStreams streams = new KafkaStreams(topology(prefix), config);
    streams.setUncaughtExceptionHandler(
        thrown -> StreamThreadExceptionResponse.SHUTDOWN_APPLICATION);
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close(Duration.ofSeconds(20));
                  stopped.countDown();
                }));
    streams.setGlobalStateRestoreListener(
        new StateRestoreListener() {
          @Override
          public void onRestoreStart(TopicPartition at, String store, long from, long to) {}

          @Override
          public void onBatchRestored(TopicPartition at, String store, long end, long count) {}

          @Override
          public void onRestoreEnd(TopicPartition at, String store, long total) {
            System.out.println("restored " + total + " of " + at);
          }
        });
    streams.setStateListener((now, before) -> System.out.println(before + " -> " + now));
    streams.start();
    stopped.await();
  }

  private static Topology topology(String prefix) {
    Topology topology = new Topology();
    topology.addSource("in", prefix + "-in");
    add(topology, prefix, "echo", null, (record, store, streamTimeMs) -> record.value());
    add(topology, prefix, "sum", "sums", Workload::sum);
    add(topology, prefix, "count", "counts", Workload::count);
    add(topology, prefix, "list", "lists", Workload::list);
    add(topology, prefix, "bank", "books", Workload::transfer);
    add(topology, prefix, "windows", "windows", Workload::window);
    return topology;
  }

  /** The value to send, or null for none. */
  private interface Step {
    String next(Record<String, String> record, KeyValueStore<String, String> store, long timeMs);
  }

  private static void add(Topology topology, String prefix, String name, String store, Step step) {
    topology.addProcessor(
        name,
        () ->
            new ContextualProcessor<String, String, String, String>() {
              @Override
              public void process(Record<String, String> record) {
                KeyValueStore<String, String> state =
                    store == null ? null : context().getStateStore(store);
                // Committed with the offsets, so that a restart decides the same.
                long streamTimeMs = Math.max(context().currentStreamTimeMs(), record.timestamp());
                String value = step.next(record, state, streamTimeMs);
                if (value != null) context().forward(record.withValue(value));
              }
            },
        "in");
    if (store != null) {
      topology.addStateStore(
          Stores.keyValueStoreBuilder(
                  Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.String())
              .withLoggingEnabled(Map.of())
              .withCachingDisabled(),
          name);
    }
    topology.addSink("to-" + name, prefix + "-" + name, name);
  }

  private static String sum(
      Record<String, String> record, KeyValueStore<String, String> store, long streamTimeMs) {
    String[] fields = record.value().split(" ");
    String before = store.get(record.key());
    String[] known = (before == null ? "0 1000000" : before).split(" ");
    long amount = Long.parseLong(fields[1]);
    long total = Long.parseLong(known[0]) + amount;
    String next = total + " " + Math.min(Long.parseLong(known[1]), amount);
    store.put(record.key(), next);
    return fields[0] + " " + next;
  }

  private static String count(
      Record<String, String> record, KeyValueStore<String, String> store, long streamTimeMs) {
    return counted(record, store, record.key());
  }

  private static String counted(
      Record<String, String> record, KeyValueStore<String, String> store, String key) {
    String before = store.get(key);
    long count = before == null ? 0 : Long.parseLong(before.split(" ")[1]);
    String next = record.value().split(" ")[0] + " " + (count + 1);
    store.put(key, next);
    return next;
  }

  private static String list(
      Record<String, String> record, KeyValueStore<String, String> store, long streamTimeMs) {
    String id = record.value().split(" ")[0];
    String before = store.get(record.key());
    String list = before == null ? id : before + "," + id;
    if (list.split(",").length >= LIST_MAX) store.delete(record.key());
    else store.put(record.key(), list);
    return list;
  }

  private static String transfer(
      Record<String, String> record, KeyValueStore<String, String> store, long streamTimeMs) {
    String[] fields = record.value().split(" ");
    String before = store.get(record.key());
    String[] balances = (before == null ? "0,0,0,0" : before).split(",");
    long amount = Long.parseLong(fields[1]);
    int from = Integer.parseInt(fields[2]);
    int to = Integer.parseInt(fields[3]);
    balances[from] = String.valueOf(Long.parseLong(balances[from]) - amount);
    balances[to] = String.valueOf(Long.parseLong(balances[to]) + amount);
    String next = String.join(",", balances);
    store.put(record.key(), next);
    return fields[0] + " " + next;
  }

  private static String window(
      Record<String, String> record, KeyValueStore<String, String> store, long streamTimeMs) {
    long start = record.timestamp() - Math.floorMod(record.timestamp(), WINDOW_MS);
    if (start + WINDOW_MS + GRACE_MS <= streamTimeMs) return null;
    return start + " " + counted(record, store, record.key() + "@" + start);
  }
}
