import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The handler of `apps/killer.ts` in Kafka Streams with exactly-once v2, as far as it throws: it counts
 * the records of each key in `counts`, sends `<count> <value>`, and throws then where the value is
 * `fail`. Its processing exception handler (KIP-1033) says to go on.
 *
 *   HalfWay BOOTSTRAP APPLICATION_ID STATE_DIR, with OUTRIGGER_TEST_IN and OUTRIGGER_TEST_OUT
 */
public final class HalfWay {
  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(
        StreamsConfig.PROCESSING_EXCEPTION_HANDLER_CLASS_CONFIG,
        LogAndContinueProcessingExceptionHandler.class);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    KafkaStreams streams = new KafkaStreams(topology(), config);
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close(Duration.ofSeconds(20));
                  stopped.countDown();
                }));
    streams.start();
    stopped.await();
  }

  private static Topology topology() {
    Topology topology = new Topology();
    topology.addSource(
        "in",
        Serdes.String().deserializer(),
        Serdes.String().deserializer(),
        System.getenv("OUTRIGGER_TEST_IN"));
    topology.addProcessor("count", Count::new, "in");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore("counts"), Serdes.String(), Serdes.Long())
            .withLoggingEnabled(Map.of())
            .withCachingDisabled(),
        "count");
    topology.addSink(
        "out",
        System.getenv("OUTRIGGER_TEST_OUT"),
        Serdes.String().serializer(),
        Serdes.String().serializer(),
        "count");
    return topology;
  }

  private static final class Count extends ContextualProcessor<String, String, String, String> {
    @Override
    public void process(Record<String, String> record) {
      KeyValueStore<String, Long> store = context().getStateStore("counts");
      Long before = store.get(record.key());
      long count = (before == null ? 0 : before) + 1;
      store.put(record.key(), count);
      context().forward(record.withValue(count + " " + record.value()));
      if (record.value().equals("fail")) throw new IllegalStateException("half-way");
    }
  }
}
