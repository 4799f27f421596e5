package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.outputsOf;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Operation;
import io.outrigger.gen.v1.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("Kafka Streams' operations")
class OperationsTest {
  private static final Serde<String> OTHER =
      Serde.of(value -> ("<" + value + ">").getBytes(), bytes -> new String(bytes));

  private final FakeSidecar sidecar = new FakeSidecar();

  @AfterEach
  void close() {
    sidecar.close();
  }

  private static Produced<String, String> out(String name) {
    return Produced.with(Serdes.utf8(), Serdes.utf8()).withName(name);
  }

  private BatchResult run(Stage.Builder stage, String... keysAndValues) throws Exception {
    sidecar.welcome(stage);
    sidecar.send(batch(1, segment(keysAndValues)));
    return sidecar.result(0);
  }

  private Node declared(String name) {
    return sidecar.builder.build().getNodesList().stream()
        .filter(node -> node.getName().equals(name))
        .findFirst()
        .orElse(null);
  }

  private static String upper(String value) {
    return value.toUpperCase(Locale.ROOT);
  }

  @Test
  @DisplayName("forward what Kafka Streams would, and say what they are")
  void forwards() throws Exception {
    sidecar
        .texts()
        .filterNot((key, value) -> key.equals("drop"), Named.as("not"))
        .peek((key, value) -> assertEquals("v", value))
        .selectKey((key, value) -> key + "!")
        .flatMapValues(value -> List.of(value, value + value))
        .flatMap((key, value) -> List.of(KeyValue.pair(key, value), KeyValue.pair(value, key)))
        .<String>processValues((record, context) -> {
          context.forward(record.withValue(record.value() + "?").withTimestamp(7));
        })
        .to("topic-out", out("out"));
    BatchResult result = run(stage("not").addSinks("out"), "drop", "v", "a", "v");
    assertEquals(List.of("1: a!=v?", "1: v=a!?", "1: a!=vv?", "1: vv=a!?"), outputsOf(result));
    assertEquals(List.of(7L, 7L, 7L, 7L), result.getOutputs().getTimestampsList());
    assertEquals(
        List.of(
            Operation.OPERATION_FILTER,
            Operation.OPERATION_PEEK,
            Operation.OPERATION_SELECT_KEY,
            Operation.OPERATION_FLAT_MAP_VALUES,
            Operation.OPERATION_FLAT_MAP,
            Operation.OPERATION_PROCESS_VALUES),
        sidecar.builder.build().getNodesList().stream()
            .filter(Node::hasFunction)
            .map(node -> node.getFunction().getOperation())
            .toList());
  }

  @Test
  @DisplayName("keep the key in processValues, and fail a record that forwards another")
  void keepsTheKey() throws Exception {
    AtomicReference<FixedKeyRecord<String, String>> kept = new AtomicReference<>();
    sidecar
        .texts()
        .<String>processValues(
            (record, context) -> {
              kept.compareAndSet(null, record);
              try {
                context.forward(kept.get());
              } catch (IllegalArgumentException caught) {
                context.forward(record.withValue("caught"));
              }
            },
            Named.as("p"))
        .to("topic-out", out("out"));
    BatchResult result = run(stage("p").addSinks("out"), "a", "1", "b", "2");
    assertEquals(List.of("0: a=1"), outputsOf(result));
    assertTrue(result.getFailure().getMessage().contains("keeps the key"));
  }

  @Test
  @DisplayName("give processValues stores, and a processor for each task")
  void supplies() throws Exception {
    var store = Stores.keyValueStore("store", Serdes.utf8(), Serdes.utf8());
    FixedKeyProcessorSupplier<String, String, String> supplier =
        () -> {
          AtomicInteger calls = new AtomicInteger();
          return (record, context) -> {
            var values = context.getStateStore(store);
            values.put(record.key(), record.value());
            context.forward(record.withValue(values.get(record.key()) + calls.incrementAndGet()));
          };
        };
    sidecar.texts().processValues(supplier, Named.as("p"), store).to("topic-out", out("out"));
    sidecar.welcome(stage("p").addSinks("out").addStores("store"));
    sidecar.send(
        batch(1, segment("a", "x", "a", "y"))
            .addStates(
                io.outrigger.gen.v1.StateColumns.newBuilder()
                    .addValues(FakeSidecar.bytes("0"))
                    .addAllSlots(List.of(0, 0))));
    assertEquals(List.of("0: a=x1", "1: a=y2"), outputsOf(sidecar.result(0)));
    assertEquals(List.of("store"), declared("p").getFunction().getStoresList());
  }

  @Test
  @DisplayName("hand each record to the first branch that takes it")
  void branches() throws Exception {
    var branches =
        sidecar
            .texts()
            .split(Named.as("split"))
            .branch((key, value) -> key.startsWith("ab"), Branched.as("ab"))
            .branch((key, value) -> key.startsWith("a"))
            .branch(
                (key, value) -> key.startsWith("x"),
                Branched.withConsumer(branch -> branch.to("topic-x", out("x"))))
            .branch(
                (key, value) -> key.startsWith("y"),
                Branched.<String, String>withFunction(
                        branch -> branch.mapValues(OperationsTest::upper, Named.as("loud")))
                    .withName("y"))
            .defaultBranch();
    assertEquals(
        List.of("split-ab", "split-2", "split-y", "split-0"), List.copyOf(branches.keySet()));
    branches.get("split-ab").to("topic-ab", out("ab"));
    branches.get("split-2").to("topic-a", out("a"));
    branches.get("split-y").to("topic-y", out("y"));
    Map<String, KStream<String, String>> last =
        branches
            .get("split-0")
            .split(Named.as("last"))
            .branch((key, value) -> key.startsWith("b"))
            .noDefaultBranch();
    last.get("last-1").to("topic-b", out("b"));
    BatchResult result =
        run(
            stage("split").addAllSinks(List.of("ab", "a", "x", "y", "b")),
            "b", "v", "abc", "v", "c", "v", "ac", "v", "x", "v", "y", "v");
    assertEquals(List.of("0: b=v", "1: abc=v", "3: ac=v", "4: x=v", "5: y=V"), outputsOf(result));
    assertEquals(List.of(4, 0, 1, 2, 3), result.getOutputs().getSinksList());
    assertEquals(Operation.OPERATION_BRANCH, declared("split").getFunction().getOperation());
    assertEquals(Operation.OPERATION_PEEK, declared("split-3").getFunction().getOperation());
    assertEquals(List.of("split"), declared("split-3").getParentsList());
  }

  @Test
  @DisplayName("have no branch behind the default one")
  void refusesBranches() {
    var split = sidecar.texts().split();
    split.defaultBranch();
    assertThrows(IllegalStateException.class, split::defaultBranch);
    assertThrows(IllegalStateException.class, () -> split.branch((key, value) -> true));
  }

  @Test
  @DisplayName("merge streams: what follows has several parents and is one node")
  void merges() throws Exception {
    KStream<String, String> in = sidecar.texts();
    KStream<String, String> one = in.mapValues(OperationsTest::upper, Named.as("one"));
    KStream<String, String> two = in.peek((key, value) -> {}, Named.as("two"));
    ProcessorSupplier<String, String, String, String> counting =
        () -> {
          List<String> seen = new ArrayList<>();
          return (record, context) -> {
            seen.add(record.value());
            context.forward(record.key(), String.join("", seen));
          };
        };
    one.merge(two).process(counting, Named.as("merged")).merge(one).to("topic-out", out("out"));
    assertEquals(List.of("one", "two"), declared("merged").getParentsList());
    assertEquals(List.of("merged", "one"), declared("out").getParentsList());
    BatchResult result = run(stage("one").addEntries("two").addSinks("out"), "a", "v");
    // One processor sees both: were there an emitter for each parent, there would be two.
    assertEquals(List.of("0: a=V", "0: a=V", "0: a=Vv"), outputsOf(result));
  }

  @Test
  @DisplayName("do not merge what does not fit")
  void refusesMerges() {
    KStream<String, String> in = sidecar.texts();
    var itself = assertThrows(IllegalArgumentException.class, () -> in.merge(in));
    assertTrue(itself.getMessage().contains("\"in\" is merged with itself"), itself.getMessage());
    Outrigger app = Outrigger.create();
    KStream<String, String> utf8 = app.stream("a", Consumed.with(Serdes.utf8(), Serdes.utf8()));
    KStream<String, String> other = app.stream("b", Consumed.with(Serdes.utf8(), OTHER));
    var differ = assertThrows(IllegalArgumentException.class, () -> utf8.merge(other));
    assertTrue(differ.getMessage().contains("the values of"), differ.getMessage());
    assertThrows(IllegalArgumentException.class, () -> in.merge(utf8));
  }

  @Test
  @DisplayName("write to whatever stands among the stage's sinks, with the serdes that it is read with")
  void writesExits() throws Exception {
    KStream<String, Long> length =
        sidecar.texts().mapValues(value -> (long) value.length(), Named.as("length"));
    KGroupedStream<String, Long> grouped =
        length.groupByKey(Grouped.with(Serdes.utf8(), Serdes.Long()));
    grouped.sum(NumberType.INT64, Named.as("sum"), Materialized.as("sums"));
    // Code that runs here, but in another stage.
    grouped.aggregate(
        () -> {
          throw new IllegalStateException("the fold ran");
        },
        (key, value, sum) -> value,
        Named.as("fold"),
        Materialized.with(Serdes.Long()));
    length.repartition(
        Repartitioned.<String, Long>as("moved")
            .withValueSerde(
                Serde.of(value -> value.toString().getBytes(), bytes -> Long.valueOf(0)))
            .withNumberOfPartitions(3));
    BatchResult result =
        run(stage("length").addAllSinks(List.of("moved", "sum", "fold")), "a", "xy");
    String two = "\0\0\0\0\0\0\0\2";
    assertEquals(List.of("0: a=" + two, "0: a=" + two, "0: a=2"), outputsOf(result));
    assertEquals(List.of(1, 2, 0), result.getOutputs().getSinksList());
    assertEquals(3, declared("moved").getRepartition().getPartitions());
  }

  @Test
  @DisplayName("do not follow a stage that leaves out what its nodes feed")
  void refusesStages() throws Exception {
    sidecar.texts().mapValues(OperationsTest::upper, Named.as("upper")).groupByKey().count();
    sidecar.welcome(stage("upper"));
    sidecar.send(batch(1, segment("a", "v")));
    assertTrue(sidecar.awaitFailure().getMessage().contains("\"aggregate-03\""));
  }

  @Test
  @DisplayName("say what to do where a serde does not fit what it is to write")
  void explainsCasts() throws Exception {
    sidecar.texts().mapValues(String::length, Named.as("length")).groupByKey().count();
    BatchResult result = run(stage("length").addSinks("aggregate-03"), "a", "v");
    assertTrue(result.getFailure().getMessage().contains("Grouped"), result.getFailure().getMessage());
    assertEquals("aggregate-03", result.getFailure().getNode());
  }

  /** What a stream's key and value are written as, once it is grouped. */
  private String written(KStream<String, String> stream) {
    stream.groupByKey().count();
    TopologyNode last = null;
    for (TopologyNode node : sidecar.builder.nodes().values()) last = node;
    return new String(last.input.key().serialize("k")) + " "
        + new String(last.input.value().serialize("v"));
  }

  @Test
  @DisplayName("keep serdes as far as types stay, and take the application's defaults then")
  void keepsSerdes() {
    KStream<String, String> in = sidecar.source(OTHER, OTHER);
    assertEquals("<k> <v>", written(in));
    KStream<String, String> kept = in.filter((key, value) -> true).peek((key, value) -> {});
    assertEquals("<k> <v>", written(kept));
    assertEquals("<k> <v>", written(kept.split().defaultBranch().values().iterator().next()));
    assertEquals("<k> v", written(in.mapValues(OperationsTest::upper)));
    assertEquals("<k> v", written(in.flatMapValues(value -> List.of(value))));
    assertEquals("<k> v", written(in.processValues((record, context) -> context.forward(record))));
    assertEquals("k <v>", written(in.selectKey((key, value) -> key)));
    KStream<String, String> mapped = in.map(KeyValue::pair);
    assertEquals("k v", written(mapped));
    assertEquals("k v", written(in.flatMap((key, value) -> List.of(KeyValue.pair(key, value)))));
    assertEquals("<k> <v>", written(mapped.merge(in)));
    var given = Repartitioned.with(Serdes.utf8(), Serdes.utf8());
    assertEquals("k v", written(in.repartition(given)));
    assertEquals("<k> v", written(mapped.repartition(Repartitioned.with(OTHER, Serdes.utf8()))));
    assertEquals(
        "<k> v",
        written(mapped.groupByKey(Grouped.with(OTHER, Serdes.utf8())).reduce((a, b) -> a)));
  }

  @Test
  @DisplayName("name a grouping's topic, and groupBy's node, as they are told")
  void namesGroupings() {
    KStream<String, String> in = sidecar.texts();
    in.groupBy((key, value) -> value, Grouped.as("by-value")).count(Named.as("n"), Materialized.as("s"));
    in.groupBy((key, value) -> value).count();
    assertEquals("by-value", declared("n").getAggregate().getRepartition());
    assertEquals(List.of("by-value"), declared("n").getParentsList());
    var selected = declared("function-04");
    assertEquals(Operation.OPERATION_SELECT_KEY, selected.getFunction().getOperation());
    assertEquals("", declared("aggregate-05").getAggregate().getRepartition());
    assertNull(declared("nothing"));
    assertSame(Serdes.utf8(), sidecar.builder.nodes().get("n").input.key());
  }
}
