package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.bytes;
import static io.outrigger.FakeSidecar.outputsOf;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.Aggregate;
import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Mutations;
import io.outrigger.gen.v1.NumberType;
import io.outrigger.gen.v1.StateColumns;
import io.outrigger.gen.v1.StoreKind;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("an aggregate in the application")
class FoldTest {
  /** Refuses null: a fold of nothing is never written. */
  private static final Materialized<String> STORE =
      Materialized.as("store").withValueSerde(Serdes.utf8());

  private static final Serde<String> OPTIONAL = Serdes.nullable(Serdes.utf8());
  private static final SessionWindows SESSIONS =
      SessionWindows.ofInactivityGapWithNoGrace(Duration.ofMinutes(1));

  private final FakeSidecar sidecar = new FakeSidecar();

  @AfterEach
  void close() {
    sidecar.close();
  }

  private static String append(String key, String value, String folded) {
    if ("end".equals(value)) return null;
    if ("fail".equals(value)) throw new IllegalStateException("told to fail");
    return folded + (value == null ? "" : value);
  }

  private static String combine(String folded, String value) {
    return append("", value, folded);
  }

  private static String merge(String key, String one, String two) {
    return one + two + ")";
  }

  /** Runs rows of the key k, of these values, through the aggregate "fold", whose windowed key is shown. */
  private <K> BatchResult run(
      Function<KGroupedStream<String, String>, KStream<K, String>> build,
      StateColumns.Builder columns,
      String... values)
      throws Exception {
    build
        .apply(sidecar.source(Serdes.utf8(), OPTIONAL).groupByKey())
        .map((key, value) -> KeyValue.pair(shown(key), value))
        .to("topic-out", Produced.with(Serdes.utf8(), OPTIONAL).withName("out"));
    sidecar.welcome(stage("fold").addSinks("out").addStores("store"));
    String[] rows = new String[2 * values.length];
    for (int index = 0; index < values.length; index++) {
      rows[2 * index] = "k";
      rows[2 * index + 1] = values[index];
    }
    sidecar.send(batch(1, segment(rows)).addStates(columns));
    return sidecar.result(0);
  }

  private static String shown(Object key) {
    if (!(key instanceof Windowed<?> windowed)) return key.toString();
    return windowed.key() + "@" + windowed.window().start() + "-" + windowed.window().end();
  }

  private static StateColumns.Builder columns(String... values) {
    StateColumns.Builder columns = StateColumns.newBuilder();
    for (int slot = 0; slot < values.length; slot++) {
      if (values[slot] == null) columns.addAbsent(slot);
      columns.addValues(bytes(values[slot] == null ? "" : values[slot]));
    }
    return columns;
  }

  /** What a result stores, by slot. */
  private static Map<Integer, String> stored(BatchResult result) {
    Map<Integer, String> found = new TreeMap<>();
    for (Mutations mutations : result.getMutationsList()) {
      for (int index = 0; index < mutations.getSlotsCount(); index++) {
        boolean isDelete = mutations.getDeletesList().contains(index);
        String value = mutations.getValues(index).toStringUtf8();
        found.put(mutations.getSlots(index), isDelete ? "deleted" : value);
      }
    }
    return found;
  }

  private static KStream<Windowed<String>, String> sessions(KGroupedStream<String, String> grouped) {
    return grouped
        .windowedBy(SESSIONS)
        .aggregate(() -> "(", FoldTest::append, FoldTest::merge, Named.as("fold"), STORE);
  }

  @Test
  @DisplayName("that comes to null is deleted, and forwarded as null")
  void deletes() throws Exception {
    BatchResult result =
        run(
            grouped -> grouped.aggregate(() -> "(", FoldTest::append, Named.as("fold"), STORE),
            columns("x").addAllSlots(List.of(0, 0, 0, 0)),
            "a", null, "end", "b");
    assertEquals(List.of("0: k=xa", "2: k=null", "3: k=(b"), outputsOf(result));
    assertEquals(Map.of(0, "(b"), stored(result));
  }

  @Test
  @DisplayName("that is reduced begins with the first value")
  void reduces() throws Exception {
    BatchResult result =
        run(
            grouped -> grouped.reduce(FoldTest::combine, Named.as("fold"), Materialized.as("store")),
            columns((String) null).addAllSlots(List.of(0, 0, 0, 0)),
            "fail", null, "b", "end");
    assertEquals(List.of("0: k=fail", "2: k=failb", "3: k=null"), outputsOf(result));
    assertEquals(Map.of(0, "deleted"), stored(result));
  }

  @Test
  @DisplayName("takes a record into each of its windows")
  void hops() throws Exception {
    TimeWindows windows =
        TimeWindows.ofSizeWithNoGrace(Duration.ofMillis(40)).advanceBy(Duration.ofMillis(10));
    BatchResult result =
        run(
            grouped ->
                grouped
                    .windowedBy(windows)
                    .aggregate(() -> "(", FoldTest::append, Named.as("fold"), STORE),
            columns("x", null, null)
                .addAllSlots(List.of(0, 1, 1, 2))
                .addAllSlotCounts(List.of(2, 2))
                .setWindowBase(5)
                .setWindowUnitMs(10)
                .addAllWindowSteps(List.of(0, 1, 2)),
            "a", null);
    assertEquals(
        List.of("0: k@5-45=xa", "0: k@15-55=(a", "1: k@15-55=(a", "1: k@25-65=("),
        outputsOf(result));
  }

  @Test
  @DisplayName("takes no record without a value into sliding windows")
  void slides() throws Exception {
    SlidingWindows windows = SlidingWindows.ofTimeDifferenceWithNoGrace(Duration.ofMillis(10));
    BatchResult result =
        run(
            grouped ->
                grouped
                    .windowedBy(windows)
                    .reduce(FoldTest::combine, Named.as("fold"), Materialized.as("store")),
            columns("x", "y").setWindowUnitMs(1).addAllWindowStarts(List.of(5L, 6L)),
            null, "a");
    assertEquals(List.of("1: k@6-16=ya"), outputsOf(result));
  }

  @Test
  @DisplayName("merges the sessions that a record joins, and takes them back")
  void mergesSessions() throws Exception {
    BatchResult result =
        run(
            FoldTest::sessions,
            columns("x", "y", null, null)
                .addAllSlots(List.of(0, 1, 2, 2, 2, 3))
                .addAllSlotCounts(List.of(3, 1, 2))
                .addAllWindowStarts(List.of(1L, 5L, 1L, 1L))
                .addAllSessionLengths(List.of(0L, 2L, 6L, 9L)),
            "a", "b", "c");
    assertEquals(
        List.of(
            "0: k@1-1=null", "0: k@5-7=null", "0: k@1-7=(x)y)a",
            "1: k@1-7=((x)y)a)b",
            "2: k@1-7=null", "2: k@1-10=(((x)y)a)b)c"),
        outputsOf(result));
    assertEquals(
        Map.of(0, "deleted", 1, "deleted", 2, "deleted", 3, "(((x)y)a)b)c"), stored(result));
  }

  @Test
  @DisplayName("takes back a session that becomes itself, and passes over one that is gone")
  void followsItself() throws Exception {
    BatchResult result =
        run(
            FoldTest::sessions,
            columns("x", null, "z")
                .addAllSlots(List.of(0, 0, 0, 1, 2, 2))
                .addAllSlotCounts(List.of(2, 1, 2, 1))
                .addAllWindowStarts(List.of(1L, 2L, 3L)),
            "a", "end", "b", "end");
    assertEquals(
        List.of(
            "0: k@1-1=null", "0: k@1-1=(x)a", "1: k@1-1=null", "2: k@3-3=(z)b", "3: k@3-3=null"),
        outputsOf(result));
    assertEquals(Map.of(0, "deleted", 2, "deleted"), stored(result));
  }

  @Test
  @DisplayName("merges sessions by its reducer")
  void reducesSessions() throws Exception {
    BatchResult result =
        run(
            grouped ->
                grouped
                    .windowedBy(SESSIONS)
                    .reduce(FoldTest::combine, Named.as("fold"), Materialized.as("store")),
            columns("x", "y", null)
                .addAllSlots(List.of(0, 1, 2, 2))
                .addAllSlotCounts(List.of(3, 1))
                .addAllWindowStarts(List.of(1L, 3L, 1L))
                .addAllSessionLengths(List.of(1L, 1L, 3L)),
            "a", "b");
    assertEquals(
        List.of("0: k@1-2=null", "0: k@3-4=null", "0: k@1-4=xya", "1: k@1-4=xyab"),
        outputsOf(result));
  }

  @Test
  @DisplayName("leaves sessions as they were where the record fails")
  void rollsBack() throws Exception {
    BatchResult result =
        run(
            FoldTest::sessions,
            columns("x", null).addAllSlots(List.of(0, 1)).addSlotCounts(2)
                .addAllWindowStarts(List.of(1L, 1L)),
            "fail");
    assertEquals("told to fail", result.getFailure().getMessage());
    assertEquals(List.of(), outputsOf(result));
    assertEquals(Map.of(), stored(result));
  }

  @Test
  @DisplayName("is written on under its windowed key, and with its own serde")
  void writesWindowedKeys() {
    var grouped = sidecar.texts().groupByKey();
    var windowed = new Windowed<>("k", new Window(1, 6));
    sessions(grouped).groupByKey().count(Named.as("of-sessions"), Materialized.as("a"));
    TopologyNode ofSessions = sidecar.builder.nodes().get("of-sessions");
    assertEquals(
        "k\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\1", new String(ofSessions.input.key().serialize(windowed)));
    assertEquals("v", new String(ofSessions.input.value().serialize("v")));
    grouped
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMillis(5)))
        .count()
        .groupByKey()
        .count(Named.as("of-windows"), Materialized.as("b"));
    TopologyNode ofWindows = sidecar.builder.nodes().get("of-windows");
    assertEquals(windowed, ofWindows.input.key().deserialize("k\0\0\0\0\0\0\0\1".getBytes()));
    assertEquals(8, ofWindows.input.value().serialize(7L).length);
  }

  @Test
  @DisplayName("or in the sidecar is declared with its windows, its number and its store's kind")
  void declares() {
    var grouped = sidecar.source(Serdes.utf8(), Serdes.Long()).groupByKey(Grouped.as("part"));
    Duration minute = Duration.ofMinutes(1);
    Duration grace = Duration.ofSeconds(1);
    grouped
        .windowedBy(TimeWindows.ofSizeAndGrace(minute, grace))
        .min(io.outrigger.NumberType.FLOAT64);
    grouped
        .windowedBy(TimeWindows.ofSizeAndGrace(minute, grace).advanceBy(grace))
        .max(io.outrigger.NumberType.INT32);
    grouped
        .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(minute, grace))
        .sum(io.outrigger.NumberType.INT64);
    grouped.windowedBy(SessionWindows.ofInactivityGapAndGrace(minute, grace)).count();
    grouped.reduce((a, b) -> a);
    var topology = sidecar.builder.build();
    List<Aggregate> found =
        topology.getNodesList().stream().skip(1).map(node -> node.getAggregate()).toList();
    assertEquals(
        List.of("min-store-01", "max-store-02", "sum-store-03", "count-store-04", "reduce-store-05"),
        found.stream().map(Aggregate::getStore).toList());
    assertTrue(found.stream().allMatch(aggregate -> aggregate.getRepartition().equals("part")));
    assertEquals(
        List.of(
            NumberType.NUMBER_TYPE_FLOAT64, NumberType.NUMBER_TYPE_INT32,
            NumberType.NUMBER_TYPE_INT64, NumberType.NUMBER_TYPE_UNSPECIFIED,
            NumberType.NUMBER_TYPE_UNSPECIFIED),
        found.stream().map(Aggregate::getNumber).toList());
    assertEquals(60_000, found.get(0).getTumbling().getSizeMs());
    assertFalse(found.get(1).hasTumbling());
    assertEquals(1_000, found.get(1).getHopping().getAdvanceMs());
    assertEquals(60_000, found.get(2).getSliding().getTimeDifferenceMs());
    assertEquals(60_000, found.get(3).getSession().getGapMs());
    assertEquals(1_000, found.get(3).getSession().getGraceMs());
    assertEquals(StoreKind.STORE_KIND_WINDOW, topology.getStores(2).getKind());
    assertEquals(StoreKind.STORE_KIND_SESSION, topology.getStores(3).getKind());
    assertEquals(StoreKind.STORE_KIND_KEY_VALUE, topology.getStores(4).getKind());
  }

  @Test
  @DisplayName("has no windows that are none, nor a failure policy where none of your code runs")
  void refuses() {
    TimeWindows minutes = TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1));
    Duration none = Duration.ofMillis(-1);
    assertThrows(IllegalArgumentException.class, () -> minutes.advanceBy(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> minutes.advanceBy(Duration.ofMinutes(2)));
    assertThrows(
        IllegalArgumentException.class, () -> SlidingWindows.ofTimeDifferenceWithNoGrace(none));
    assertThrows(
        IllegalArgumentException.class,
        () -> SessionWindows.ofInactivityGapWithNoGrace(Duration.ZERO));
    assertThrows(
        IllegalArgumentException.class,
        () -> SessionWindows.ofInactivityGapAndGrace(Duration.ofMinutes(1), none));
    Named named = Named.as("sum").withFailurePolicy(FailurePolicy.create().withRetryMax(1));
    var grouped = sidecar.texts().groupByKey();
    assertThrows(
        IllegalArgumentException.class,
        () -> grouped.sum(io.outrigger.NumberType.INT64, named, Materialized.as("s")));
    assertThrows(
        IllegalArgumentException.class, () -> Repartitioned.<String, String>numberOfPartitions(0));
  }
}
