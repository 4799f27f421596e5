package io.outrigger;

import com.google.protobuf.ByteString;
import com.sun.management.OperatingSystemMXBean;
import io.outrigger.gen.v1.Batch;
import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.Segment;
import io.outrigger.gen.v1.Source;
import io.outrigger.gen.v1.Stage;
import io.outrigger.gen.v1.StateColumns;
import io.outrigger.gen.v1.Welcome;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What the SDK costs for each record: processor time of the process, its collector's and its compiler's
 * included, for reading a batch of 500, running it and writing its result, without IO.
 */
public final class Rows {
  private static final int ROWS = 500;
  private static final int BATCHES = 2_000;
  private static final int ROUNDS = 9;
  private static final Serde<byte[]> RAW = Serdes.ByteArray();
  private static final Serde<Totals> TOTALS =
      Serde.of(
          value -> pair(value.count, value.sum),
          bytes -> new Totals(ByteBuffer.wrap(bytes).getLong(0), ByteBuffer.wrap(bytes).getLong(8)));
  private static final Map<String, Consumer<KStream<byte[], byte[]>>> KINDS = new LinkedHashMap<>();

  static {
    KINDS.put("mapValues", Rows::mapValues);
    KINDS.put("windowedMap", Rows::windowedMap);
    KINDS.put("aggregate", Rows::aggregate);
    KINDS.put("process", Rows::process);
    KINDS.put("store", Rows::store);
  }

  private record Totals(long count, long sum) {}

  private Rows() {}

  private static void mapValues(KStream<byte[], byte[]> records) {
    records.mapValues(value -> value).to("out", Produced.with(RAW, RAW));
  }

  private static void windowedMap(KStream<byte[], byte[]> records) {
    records
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(5)))
        .count(Materialized.as("counts"))
        .map(
            (key, count) -> {
              byte[] inner = key.key();
              ByteBuffer written = ByteBuffer.allocate(inner.length + Long.BYTES).put(inner);
              return KeyValue.pair(written.putLong(key.window().start()).array(), count);
            })
        .to("out", Produced.with(RAW, Serdes.Long()));
  }

  private static void aggregate(KStream<byte[], byte[]> records) {
    records
        .groupByKey()
        .aggregate(
            () -> new Totals(0, 0),
            (key, value, before) ->
                new Totals(before.count + 1, before.sum + ByteBuffer.wrap(value).getLong(8)),
            Materialized.as("totals").withValueSerde(TOTALS))
        .to("out", Produced.with(RAW, TOTALS));
  }

  private static void process(KStream<byte[], byte[]> records) {
    records
        .<byte[], byte[]>process((record, context) -> context.forward(record))
        .to("out", Produced.with(RAW, RAW));
  }

  private static void store(KStream<byte[], byte[]> records) {
    var counts = Stores.keyValueStore("counts", RAW, Serdes.Long());
    Processor<byte[], byte[], byte[], byte[]> counted =
        (record, context) -> {
          KeyValueStore<byte[], Long> store = context.getStateStore(counts);
          Long before = store.get(record.key());
          store.put(record.key(), before == null ? 1 : before + 1);
          context.forward(record);
        };
    records.process(counted, counts).to("out", Produced.with(RAW, RAW));
  }

  private static byte[] pair(long... numbers) {
    ByteBuffer written = ByteBuffer.allocate(numbers.length * Long.BYTES);
    for (long number : numbers) written.putLong(number);
    return written.array();
  }

  private static byte[] batchOf(String kind) {
    Segment.Builder segment = Segment.newBuilder().setBaseTimestamp(1_700_000_000_000L);
    StateColumns.Builder state = StateColumns.newBuilder();
    boolean isWindowed = kind.equals("windowedMap");
    for (int row = 0; row < ROWS; row++) {
      long first = row * 7_919 % 10_000;
      byte[] key = isWindowed ? pair(first, row, 300_000) : pair(first, row);
      ByteBuffer value = ByteBuffer.allocate(isWindowed ? Long.BYTES : 100);
      segment.addKeys(ByteString.copyFrom(key)).addTimestampDeltas(row);
      segment.addValues(ByteString.copyFrom(value.putLong(0, row).array()));
      state.addValues(ByteString.copyFrom(kind.equals("store") ? pair(1) : pair(1, 1)));
    }
    Batch.Builder batch = Batch.newBuilder().setDispatchId(1).setTaskEpoch(1).setTaskId("0_0");
    batch.addSegments(segment);
    if (kind.equals("aggregate") || kind.equals("store")) batch.addStates(state);
    return ProcessResponse.newBuilder().setBatch(batch).build().toByteArray();
  }

  private static Session sessionOf(String kind, Session.Host host) throws Exception {
    SerdePair raw = SerdePair.of(RAW, RAW);
    TopologyBuilder builder = new TopologyBuilder(raw);
    Node.Builder source = Node.newBuilder().setSource(Source.newBuilder().addTopics("in"));
    String in = builder.add("in", source, List.of(), raw).name;
    KINDS.get(kind).accept(KStreamNodes.of(builder, in, new StreamSerdes(RAW, RAW)));
    List<String> names = List.copyOf(builder.nodes().keySet());
    Stage.Builder stage = Stage.newBuilder().addSinks(names.get(names.size() - 1));
    names.stream().filter(name -> builder.nodes().get(name).runsHere()).forEach(stage::addEntries);
    if (kind.equals("aggregate")) stage.addStores("totals");
    if (kind.equals("store")) stage.addStores("counts");
    Session session = new Session(builder.nodes(), Runnable::run, host);
    Welcome.Builder welcome = Welcome.newBuilder().setProtocolMinor(6).setApplicationId("rows");
    welcome.addSources("in").addStages(stage);
    session.received(
        ReceivedFrame.read(ProcessResponse.newBuilder().setWelcome(welcome).build().toByteArray()));
    return session;
  }

  /** Takes a result, as gRPC does: a copy, behind which its frame is free. */
  private static final class Taker implements Session.Host {
    byte[] last = {};

    @Override
    public void send(SentFrame frame) {
      last = java.util.Arrays.copyOfRange(frame.bytes(), frame.from(), frame.from() + frame.length());
      frame.release();
    }

    @Override
    public void welcomed(Welcome welcome) {}

    @Override
    public void rejected(OutriggerRejectedException error) {
      throw error;
    }

    @Override
    public void failed(Throwable error) {
      throw new IllegalStateException(error);
    }

    @Override
    public void idle() {}
  }

  private static double measured(String kind) throws Exception {
    Taker taker = new Taker();
    Session session = sessionOf(kind, taker);
    byte[] batch = batchOf(kind);
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    double least = Double.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      long begun = system.getProcessCpuTime();
      for (int at = 0; at < BATCHES; at++) session.received(ReceivedFrame.read(batch.clone()));
      least = Math.min(least, (system.getProcessCpuTime() - begun) / 1e3 / BATCHES / ROWS);
    }
    BatchResult result = ProcessRequest.parseFrom(taker.last).getResult();
    if (result.getDone() != ROWS || result.getOutputs().getKeysCount() != ROWS) {
      throw new IllegalStateException(kind + " failed: " + result);
    }
    return least;
  }

  /**
   * Prints a line for each kind.
   *
   * @param kinds those to measure; all where none are named
   * @throws Exception where one fails
   */
  public static void main(String... kinds) throws Exception {
    for (String kind : kinds.length == 0 ? KINDS.keySet() : List.of(kinds)) {
      System.out.printf("%-12s %.3f µs a record%n", kind, measured(kind));
    }
  }
}
