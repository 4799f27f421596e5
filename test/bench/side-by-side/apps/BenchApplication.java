import io.outrigger.Consumed;
import io.outrigger.KStream;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Outrigger;
import io.outrigger.Produced;
import io.outrigger.Serde;
import io.outrigger.Serdes;
import io.outrigger.TimeWindows;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The three workloads of the side-by-side benchmark; which one it is, the environment says. */
public final class BenchApplication {
  private static final Serde<byte[]> BYTES = Serdes.ByteArray();
  private static final Serde<Totals> TOTALS =
      Serde.of(
          value -> ByteBuffer.allocate(16).putLong(value.count).putLong(value.sum).array(),
          bytes -> {
            ByteBuffer read = ByteBuffer.wrap(bytes);
            return new Totals(read.getLong(0), read.getLong(8));
          });

  private record Totals(long count, long sum) {}

  public static void main(String[] args) {
    Outrigger app = Outrigger.create();
    String output = System.getenv("BENCH_OUTPUT");
    KStream<byte[], byte[]> records =
        app.stream(System.getenv("BENCH_INPUT"), Consumed.with(BYTES, BYTES));
    switch (System.getenv("BENCH_WORKLOAD")) {
      case "W1" -> records.mapValues(value -> value).to(output, Produced.with(BYTES, BYTES));
      case "W2" ->
          records
              .groupByKey()
              .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(5)))
              .count(Materialized.as("counts"))
              .map((key, count) -> KeyValue.pair(windowed(key.key(), key.window().start()), count))
              .to(output, Produced.with(BYTES, Serdes.Long()));
      case "W3" ->
          records
              .groupByKey()
              .aggregate(
                  () -> new Totals(0, 0),
                  (key, value, before) -> add(value, before),
                  Materialized.as("totals").withValueSerde(TOTALS))
              .to(output, Produced.with(BYTES, TOTALS));
      default -> throw new IllegalArgumentException("BENCH_WORKLOAD is none of W1, W2, W3");
    }
    app.run();
  }

  private static Totals add(byte[] value, Totals before) {
    return new Totals(before.count + 1, before.sum + ByteBuffer.wrap(value).getLong(8));
  }

  /** The window's start behind the key. */
  private static byte[] windowed(byte[] key, long start) {
    return ByteBuffer.allocate(key.length + 8).put(key).putLong(start).array();
  }
}
