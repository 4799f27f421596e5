package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.Suppressed.BufferConfig;
import io.outrigger.gen.v1.BufferFull;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Suppress;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is held back: suppress, and when aggregates forward. */
final class HeldBackTest {
  private static final Serde<String> TEXT = Serdes.String();
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final long MINUTE_MS = 60_000;
  private static final TimeWindows WINDOWS = TimeWindows.ofSizeWithNoGrace(MINUTE);

  private final Outrigger app = Outrigger.create();
  private final KGroupedStream<String, String> grouped =
      app.stream("in", Consumed.with(TEXT, TEXT)).groupByKey();

  private static Suppress suppressOf(Suppressed suppressed) {
    Outrigger own = Outrigger.create();
    own.stream("in", Consumed.with(TEXT, TEXT)).groupByKey().count().suppress(suppressed);
    List<Node> nodes = own.topology().build().getNodesList();
    return nodes.get(nodes.size() - 1).getSuppress();
  }

  @Test
  void suppressIsDeclaredWithItsTimeAndItsBuffer() {
    Suppress closes = suppressOf(Suppressed.untilWindowCloses(BufferConfig.unbounded()));
    assertTrue(closes.hasUntilWindowCloses());
    assertFalse(closes.hasUntilTimeLimit());
    assertEquals(0, closes.getBuffer().getMaxRecords() + closes.getBuffer().getMaxBytes());
    Suppress bounded =
        suppressOf(Suppressed.untilWindowCloses(BufferConfig.maxBytes(1_000).shutDownWhenFull()));
    assertEquals(1_000, bounded.getBuffer().getMaxBytes());
    assertEquals(BufferFull.BUFFER_FULL_SHUT_DOWN, bounded.getBuffer().getWhenFull());
    BufferConfig early = BufferConfig.maxRecords(7).withMaxBytes(9).emitEarlyWhenFull();
    Suppress waits = suppressOf(Suppressed.untilTimeLimit(Duration.ofSeconds(90), early));
    assertFalse(waits.hasUntilWindowCloses());
    assertEquals(90_000, waits.getUntilTimeLimit().getWaitMs());
    assertEquals(7, waits.getBuffer().getMaxRecords());
    assertEquals(9, waits.getBuffer().getMaxBytes());
    assertEquals(BufferFull.BUFFER_FULL_EMIT_EARLY, waits.getBuffer().getWhenFull());
  }

  @Test
  void emitStrategiesAreDeclaredOfTheAggregate() {
    grouped.count();
    grouped.emitStrategy(EmitStrategy.onCommit()).count();
    grouped.windowedBy(WINDOWS).emitStrategy(EmitStrategy.onWindowClose()).count();
    grouped
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(MINUTE))
        .emitStrategy(EmitStrategy.onWindowUpdate())
        .count();
    // What a grouping was told goes with it into windows.
    grouped.emitStrategy(EmitStrategy.onCommit()).windowedBy(WINDOWS).count();
    assertEquals(
        List.of(
            io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_UNSPECIFIED,
            io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_COMMIT,
            io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_WINDOW_CLOSE,
            io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_WINDOW_UPDATE,
            io.outrigger.gen.v1.EmitStrategy.EMIT_STRATEGY_ON_COMMIT),
        app.topology().build().getNodesList().stream()
            .skip(1)
            .map(node -> node.getAggregate().getEmit())
            .toList());
  }

  @Test
  void whatHoldsNothingIsRefusedWhereItIsDeclared() {
    for (long bound : new long[] {0, -1}) {
      assertThrows(IllegalArgumentException.class, () -> BufferConfig.maxRecords(bound));
      assertThrows(IllegalArgumentException.class, () -> BufferConfig.maxBytes(bound));
    }
    Duration none = Duration.ofMillis(-1);
    assertThrows(
        IllegalArgumentException.class,
        () -> Suppressed.untilTimeLimit(none, BufferConfig.unbounded()));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aWindowIsForwardedOnceWhenItCloses(boolean isSuppressed) {
    TimeWindowedKStream<String, String> windows = grouped.windowedBy(WINDOWS);
    KStream<Windowed<String>, Long> counts =
        isSuppressed
            ? windows.count().suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            : windows.emitStrategy(EmitStrategy.onWindowClose()).count();
    Serde<Windowed<String>> windowed = Serdes.timeWindowed(TEXT, MINUTE);
    counts.to("out", Produced.with(windowed, Serdes.Long()));
    try (TestDriver driver = TestDriver.of(app).start()) {
      for (long at : new long[] {1, 2, MINUTE_MS - 1}) pipe(driver, at, "k");
      assertEquals(List.of(), windowsOf(driver, windowed));
      pipe(driver, MINUTE_MS, "j");
      assertEquals(List.of("k 0 3"), windowsOf(driver, windowed));
      driver.advanceStreamTime(2 * MINUTE_MS);
      assertEquals(List.of("j 60000 1"), windowsOf(driver, windowed));
    }
  }

  @Test
  void aKeyWaitsForItsTimeAndAFullBufferLetsTheEldestGo() {
    BufferConfig two = BufferConfig.maxRecords(2).emitEarlyWhenFull();
    grouped
        .count()
        .suppress(Suppressed.untilTimeLimit(Duration.ofSeconds(10), two))
        .to("out", Produced.with(TEXT, Serdes.Long()));
    try (TestDriver driver = TestDriver.of(app).start()) {
      pipe(driver, 1, "a");
      pipe(driver, 10_000, "a");
      assertEquals(List.of(), countsOf(driver));
      driver.advanceStreamTime(10_001);
      assertEquals(List.of("a 2"), countsOf(driver));
      pipe(driver, 11_000, "b");
      pipe(driver, 11_001, "c");
      pipe(driver, 11_002, "d");
      assertEquals(List.of("b 1"), countsOf(driver));
    }
  }

  private static void pipe(TestDriver driver, long at, String key) {
    driver.pipe("in", TEXT, TEXT, TestRecord.at(at, key, "x"));
  }

  private static List<String> countsOf(TestDriver driver) {
    return driver.read("out", TEXT, Serdes.Long()).stream()
        .map(each -> each.key() + " " + each.value())
        .toList();
  }

  private static List<String> windowsOf(TestDriver driver, Serde<Windowed<String>> windowed) {
    return driver.read("out", windowed, Serdes.Long()).stream()
        .map(each -> each.key().key() + " " + each.key().window().start() + " " + each.value())
        .toList();
  }
}
