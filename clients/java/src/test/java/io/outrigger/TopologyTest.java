package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.outrigger.gen.v1.Aggregate;
import io.outrigger.gen.v1.Aggregator;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Source;
import io.outrigger.gen.v1.StoreKind;
import io.outrigger.gen.v1.Topology;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("a topology")
class TopologyTest {
  private final Outrigger app =
      Outrigger.builder()
          .defaultKeySerde(Serdes.utf8())
          .defaultValueSerde(Serdes.Long())
          .build();

  @Test
  @DisplayName("names nodes and stores by the order of the calls, where they have no name")
  void namesByOrder() {
    KStream<String, Long> in = app.stream("in");
    in.filter((key, value) -> value > 0)
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(5), Duration.ofSeconds(1)))
        .count();
    in.groupByKey().aggregate(() -> 0L, (key, value, sum) -> sum + value, Materialized.with(Serdes.Long()));
    in.to("out");
    Topology topology = app.topology().build();
    assertEquals(
        "[source-01, function-02, aggregate-03, aggregate-04, sink-05]",
        topology.getNodesList().stream().map(Node::getName).toList().toString());
    assertEquals("count-store-01", topology.getStores(0).getName());
    assertEquals(StoreKind.STORE_KIND_WINDOW, topology.getStores(0).getKind());
    assertEquals("aggregate-store-02", topology.getStores(1).getName());
    assertEquals(StoreKind.STORE_KIND_KEY_VALUE, topology.getStores(1).getKind());
    var count = topology.getNodes(2).getAggregate();
    assertEquals(Aggregator.AGGREGATOR_COUNT, count.getAggregator());
    assertEquals(300_000, count.getTumbling().getSizeMs());
    assertEquals(1_000, count.getTumbling().getGraceMs());
  }

  @Test
  @DisplayName("reads and writes with the application's default serdes, where none are named")
  void takesDefaults() {
    app.stream("in").to("out");
    TopologyNode sink = app.topology().nodes().get("sink-02");
    assertEquals("k", sink.input.key().deserialize("k".getBytes(StandardCharsets.UTF_8)));
    assertEquals(8, sink.input.value().serialize(7L).length);
    assertEquals(7L, sink.input.value().deserialize(new byte[] {0, 0, 0, 0, 0, 0, 0, 7}));
  }

  @Test
  @DisplayName("says when what the application folds is forwarded, over all time and in windows")
  void declaresStrategies() {
    KGroupedStream<String, Long> grouped = app.<String, Long>stream("in").groupByKey();
    grouped.emitStrategy(EmitStrategy.onCommit()).reduce(Long::sum, Materialized.as("all"));
    var minute = Duration.ofMinutes(1);
    var tumbling = grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(minute));
    tumbling.emitStrategy(EmitStrategy.onWindowClose()).reduce(Long::sum, Materialized.as("tumbling"));
    var sliding = grouped.windowedBy(SlidingWindows.ofTimeDifferenceWithNoGrace(minute));
    sliding.emitStrategy(EmitStrategy.onWindowClose()).reduce(Long::sum, Materialized.as("sliding"));
    var sessions = grouped.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(minute));
    sessions.emitStrategy(EmitStrategy.onWindowClose()).reduce(Long::sum, Materialized.as("session"));
    grouped.reduce(Long::sum, Materialized.as("each"));
    assertEquals(
        "all APPLICATION ON_COMMIT, tumbling APPLICATION ON_WINDOW_CLOSE, "
            + "sliding APPLICATION ON_WINDOW_CLOSE, session APPLICATION ON_WINDOW_CLOSE, "
            + "each APPLICATION UNSPECIFIED",
        app.topology().build().getNodesList().stream()
            .filter(Node::hasAggregate)
            .map(node -> said(node.getAggregate()))
            .collect(Collectors.joining(", ")));
  }

  private static String said(Aggregate aggregate) {
    String aggregator = aggregate.getAggregator().name().replace("AGGREGATOR_", "");
    String emit = aggregate.getEmit().name().replace("EMIT_STRATEGY_", "");
    return aggregate.getStore() + " " + aggregator + " " + emit;
  }

  @Test
  @DisplayName("reads topics by a pattern without flags")
  void takesPatterns() {
    app.stream(Pattern.compile("orders-.*")).to("out");
    Source source = app.topology().build().getNodes(0).getSource();
    assertEquals("orders-.*", source.getPattern());
    assertEquals(0, source.getTopicsCount());
    Pattern flagged = Pattern.compile("orders", Pattern.CASE_INSENSITIVE);
    assertThrows(IllegalArgumentException.class, () -> app.stream(flagged));
  }

  @Test
  @DisplayName("refuses one name for two nodes, and one store of two kinds")
  void refusesDoubles() {
    KStream<String, Long> in =
        app.stream("in", Consumed.with(Serdes.utf8(), Serdes.Long()).withName("twice"));
    var twice =
        assertThrows(
            IllegalArgumentException.class, () -> in.filter((k, v) -> true, Named.as("twice")));
    assertTrue(twice.getMessage().contains("\"twice\""), twice.getMessage());
    in.groupByKey().count(Materialized.as("store"));
    var windowed = in.groupByKey().windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1)));
    assertThrows(IllegalArgumentException.class, () -> windowed.count(Materialized.as("store")));
  }

  @Test
  @DisplayName("refuses windows that are none")
  void refusesWindows() {
    for (Duration size : new Duration[] {Duration.ZERO, Duration.ofNanos(1), Duration.ofDays(-1)}) {
      assertThrows(
          IllegalArgumentException.class, () -> TimeWindows.ofSizeWithNoGrace(size), size::toString);
    }
  }

  @Test
  @DisplayName("is not run without an address, which says how to get one")
  void needsAnAddress() {
    assumeTrue(System.getenv("OUTRIGGER_ADDRESS") == null);
    app.stream("in").to("out");
    var error = assertThrows(IllegalStateException.class, app::run);
    assertTrue(error.getMessage().contains("outrigger run"), error.getMessage());
  }
}
