package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each test runs an application on the sidecar's kernel: OUTRIGGER_BIN says where it is. */
final class TestDriverTest {
  private static final Serde<String> TEXT = Serdes.String();
  private static final long MINUTE_MS = 60_000;
  private static final KeyValueStoreDefinition<String, String> SEEN =
      Stores.keyValueStore("seen", TEXT, TEXT);

  private interface Fails {
    boolean on(String value, int run);
  }

  /** Writes the store, forwards, and throws where it is told to; what came to it is in `runs`. */
  private static Outrigger storing(List<String> runs, Fails fails) {
    Outrigger app = Outrigger.create();
    app.stream("in", Consumed.with(TEXT, TEXT))
        .<String, String>process(
            () ->
                (record, context) -> {
                  runs.add(record.value());
                  context.getStateStore(SEEN).put(record.key(), record.value());
                  context.forward(record.withValue(record.value() + "!"));
                  if (fails.on(record.value(), runs.size())) {
                    throw new IllegalArgumentException("no " + record.value());
                  }
                },
            SEEN)
        .to("out", Produced.with(TEXT, TEXT));
    return app;
  }

  private static List<String> values(TestDriver driver, String topic) {
    return driver.read(topic, TEXT, TEXT).stream().map(TestRecord::value).toList();
  }

  private static TestDriver.Settled pipe(TestDriver driver, String key, String value) {
    return driver.pipe("in", TEXT, TEXT, TestRecord.of(key, value));
  }

  @Test
  void windowsAreCountedAndALateRecordIsDropped() {
    Outrigger app = Outrigger.builder().applicationId("counting").build();
    app.stream("flights", Consumed.with(TEXT, TEXT))
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1)))
        .count(Materialized.as("counts"))
        .map((key, count) -> KeyValue.pair(key.key(), count))
        .to("departures", Produced.with(TEXT, Serdes.Long()));
    try (TestDriver driver = TestDriver.of(app).start()) {
      for (long at : new long[] {1_000, 2_000, MINUTE_MS, 3_000}) {
        var settled = driver.pipe("flights", TEXT, TEXT, TestRecord.at(at, "BER", "LH1"));
        assertEquals(new TestDriver.Settled(true, ""), settled);
      }
      var read = driver.read("departures", TEXT, Serdes.Long());
      assertEquals(List.of(1L, 2L, 1L), read.stream().map(TestRecord::value).toList());
      assertEquals(
          List.of(1_000L, 2_000L, MINUTE_MS), read.stream().map(TestRecord::timestamp).toList());
      TestStore<String, Long> counts = driver.store("counts", TEXT, Serdes.Long());
      assertEquals(2L, counts.get("BER", 0));
      assertNull(counts.get("BE", 0));
      assertEquals(
          List.of(
              new TestStore.Entry<>("BER", 0L, 2L), new TestStore.Entry<>("BER", MINUTE_MS, 1L)),
          counts.windows("BER"));
    }
  }

  @Test
  void windowsCloseWhenStreamTimeHasMoved() {
    Outrigger app = Outrigger.create();
    app.stream("flights", Consumed.with(TEXT, TEXT))
        .groupByKey()
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1)))
        .count(Materialized.as("counts"))
        .map((key, count) -> KeyValue.pair(key.key(), count))
        .to("departures", Produced.with(TEXT, Serdes.Long()));
    try (TestDriver driver = TestDriver.of(app).start()) {
      driver.pipe("flights", TEXT, TEXT, TestRecord.at(1_000, "BER", "LH1"));
      assertEquals(new TestDriver.Settled(true, ""), driver.advanceStreamTime(MINUTE_MS));
      driver.pipe(
          "flights",
          TEXT,
          TEXT,
          TestRecord.at(MINUTE_MS - 1, "BER", "LH2"),
          TestRecord.at(MINUTE_MS, "BER", "LH3"));
      var read = driver.read("departures", TEXT, Serdes.Long());
      assertEquals(
          List.of(1_000L, MINUTE_MS), read.stream().map(TestRecord::timestamp).toList());
      assertEquals(List.of(1L, 1L), read.stream().map(TestRecord::value).toList());
    }
  }

  @Test
  void aHandlerThatThrowsHalfWayLeavesNothing() {
    Outrigger app = storing(new CopyOnWriteArrayList<>(), (value, run) -> value.equals("bad"));
    try (TestDriver driver = TestDriver.of(app).setting("retry.max", 0).start()) {
      pipe(driver, "a", "good");
      var error = assertThrows(TestDriverException.class, () -> pipe(driver, "a", "bad"));
      assertTrue(error.getMessage().contains("task 0_0: record in-0@1"), error.getMessage());
      assertTrue(error.getMessage().contains("no bad"), error.getMessage());
      assertEquals(List.of("good!"), values(driver, "out"));
      assertEquals("good", driver.store("seen", TEXT, TEXT).get("a"));
    }
  }

  @Test
  void aRecordIsTriedAgainWhenTheClockHasMoved() {
    List<String> runs = new CopyOnWriteArrayList<>();
    Outrigger app = storing(runs, (value, run) -> run < 2);
    try (TestDriver driver = TestDriver.of(app).wallClock(Instant.ofEpochMilli(1_000)).start()) {
      var settled = pipe(driver, "a", "x");
      assertFalse(settled.committed());
      assertTrue(settled.waiting().contains("no x"), settled.waiting());
      driver.advanceWallClock(Duration.ofMillis(99));
      assertEquals(1, runs.size());
      assertEquals(List.of(), values(driver, "out"));
      assertTrue(driver.advanceWallClock(Duration.ofMillis(1)).committed());
      assertEquals(List.of("x!"), values(driver, "out"));
      assertEquals(1_100, driver.wallClock().toEpochMilli());
    }
  }

  @ParameterizedTest
  @EnumSource
  void outputsAndStateComeOnce(TestDriver.Fault fault) {
    List<String> runs = new CopyOnWriteArrayList<>();
    try (TestDriver driver = TestDriver.of(storing(runs, (value, run) -> false)).start()) {
      driver.inject(fault);
      var settled =
          driver.pipe("in", TEXT, TEXT, TestRecord.of("a", "1"), TestRecord.of("b", "2"));
      assertTrue(settled.committed());
      assertEquals(List.of("1!", "2!"), values(driver, "out"));
      assertEquals(fault == TestDriver.Fault.REDELIVER ? 4 : 2, runs.size());
      // The first was met: else another is refused.
      driver.inject(fault);
      assertEquals(
          List.of(new TestStore.Entry<>("a", null, "1"), new TestStore.Entry<>("b", null, "2")),
          driver.store("seen", TEXT, TEXT).all());
    }
  }

  @Test
  void aDeadLetterIsARecordOfItsTopic() {
    Outrigger app = storing(new CopyOnWriteArrayList<>(), (value, run) -> value.equals("bad"));
    String topic = "errors.dead.letter.queue.topic.name";
    var options = TestDriver.of(app).setting("retry.max", 0).setting(topic, "letters");
    try (TestDriver driver = options.start()) {
      var trace = new Header("trace", new byte[] {1});
      var bad = TestRecord.at(7, "a", "bad", trace, new Header("none", null));
      driver.pipe("in", TEXT, TEXT, bad);
      var letters = driver.read("letters", TEXT, TEXT);
      assertEquals(1, letters.size());
      TestRecord<String, String> letter = letters.get(0);
      assertEquals("a bad 7", letter.key() + " " + letter.value() + " " + letter.timestamp());
      assertArrayEquals(trace.value(), letter.headers().get(0).value());
      assertNull(letter.headers().get(1).value());
      assertEquals(List.of(), values(driver, "out"));
    }
  }

  @Test
  void aTopologyThatCannotRunIsRefusedAtTheStart() {
    Outrigger app = Outrigger.create();
    app.stream("in", Consumed.with(TEXT, TEXT)).to("out", Produced.with(TEXT, TEXT));
    app.stream("in", Consumed.with(TEXT, TEXT)).to("elsewhere", Produced.with(TEXT, TEXT));
    var error = assertThrows(OutriggerRejectedException.class, TestDriver.of(app)::start);
    assertTrue(error.getMessage().contains("TOPOLOGY_INVALID"), error.getMessage());
  }
}
