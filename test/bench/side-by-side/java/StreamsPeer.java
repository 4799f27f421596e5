import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The three workloads in Kafka Streams: exactly-once v2, commits each 100 ms as a sidecar does, and no
 * record cache, so that every update is emitted, as a sidecar does; else as it comes.
 *
 *   StreamsPeer WORKLOAD BOOTSTRAP INPUT OUTPUT APPLICATION_ID STATE_DIR THREADS COMMIT_MS STORE_BYTES
 *
 * STORE_BYTES bounds the memory of all stores together, see SmallStore; 0 leaves it as it comes.
 */
public final class StreamsPeer {
  private static final Serde<byte[]> BYTES = Serdes.ByteArray();

  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[1]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[4]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args[6]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[7]);
    if (!args[8].equals("0")) {
      config.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, SmallStore.class);
      config.put(SmallStore.BYTES, args[8]);
    }
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], byte[]> records = builder.stream(args[2], Consumed.with(BYTES, BYTES));
    declare(records, args[0], args[3]);
    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    streams.setUncaughtExceptionHandler(
        thrown -> {
          thrown.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
    RestoreClock.watch(streams);
    CountDownLatch stopped = new CountDownLatch(1);
    Runnable close =
        () -> {
          // Who starts again would wait for the session timeout of a member that never left.
          var leaving = CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP);
          streams.close(leaving.withTimeout(Duration.ofSeconds(15)));
          stopped.countDown();
        };
    Runtime.getRuntime().addShutdownHook(new Thread(close));
    streams.start();
    stopped.await();
  }

  private static void declare(KStream<byte[], byte[]> records, String workload, String output) {
    switch (workload) {
      case "W1" -> records.mapValues(value -> value).to(output, Produced.with(BYTES, BYTES));
      case "W2" ->
          records
              .groupByKey(Grouped.with(BYTES, BYTES))
              .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(5)))
              .count(
                  Materialized.<byte[], Long, WindowStore<Bytes, byte[]>>as("counts")
                      .withKeySerde(BYTES)
                      .withValueSerde(Serdes.Long()))
              .toStream()
              .map((key, count) -> KeyValue.pair(windowed(key.key(), key.window().start()), count))
              .to(output, Produced.with(BYTES, Serdes.Long()));
      case "W3" ->
          records
              .groupByKey(Grouped.with(BYTES, BYTES))
              .aggregate(
                  () -> new byte[16],
                  (key, value, before) -> add(value, before),
                  Materialized.<byte[], byte[], KeyValueStore<Bytes, byte[]>>as("totals")
                      .withKeySerde(BYTES)
                      .withValueSerde(BYTES))
              .toStream()
              .to(output, Produced.with(BYTES, BYTES));
      default -> throw new IllegalArgumentException(workload + " is none of W1, W2, W3");
    }
  }

  private static byte[] add(byte[] value, byte[] before) {
    ByteBuffer totals = ByteBuffer.wrap(before);
    long sum = totals.getLong(8) + ByteBuffer.wrap(value).getLong(8);
    return ByteBuffer.allocate(16).putLong(totals.getLong(0) + 1).putLong(sum).array();
  }

  private static byte[] windowed(byte[] key, long start) {
    return ByteBuffer.allocate(key.length + 8).put(key).putLong(start).array();
  }
}
