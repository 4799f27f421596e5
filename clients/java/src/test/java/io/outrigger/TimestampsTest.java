package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Stores whose values carry timestamps, and topics that are chosen, on the sidecar's kernel. */
final class TimestampsTest {
  private static final Serde<String> TEXT = Serdes.String();
  private static final TimestampedKeyValueStoreDefinition<String, String> SEEN =
      Stores.timestampedKeyValueStore("seen", TEXT, TEXT).withTtl(Duration.ofSeconds(10));

  private static void remember(
      Record<String, String> record, ProcessorContext<String, String> context) {
    TimestampedKeyValueStore<String, String> store = context.getStateStore(SEEN);
    StringBuilder found = new StringBuilder();
    if (record.value().equals("get")) {
      ValueAndTimestamp<String> entry = store.get(record.key());
      found.append(entry == null ? "none" : entry.value() + "@" + entry.timestamp());
    } else if (record.value().equals("prefix")) {
      try (var entries = store.reversePrefixScan(record.key(), TEXT)) {
        entries.forEachRemaining(
            entry -> found.append(entry.key() + "@" + entry.value().timestamp() + " "));
      }
    } else {
      store.putValue(record.key(), record.value());
    }
    context.forward(record.key(), found.toString());
  }

  private static List<String> values(TestDriver driver, String topic) {
    return driver.read(topic, TEXT, TEXT).stream().map(TestRecord::value).toList();
  }

  private static void pipe(TestDriver driver, long at, String key, String value) {
    driver.pipe("in", TEXT, TEXT, TestRecord.at(at, key, value));
  }

  @Test
  void anEntryHasItsRecordsTimestampAndIsGoneByStreamTime() {
    Outrigger app = Outrigger.create();
    app.stream("in", Consumed.with(TEXT, TEXT))
        .process(TimestampsTest::remember, SEEN)
        .to("out", Produced.with(TEXT, TEXT));
    try (TestDriver driver = TestDriver.of(app).start()) {
      pipe(driver, 1_000, "a", "1");
      pipe(driver, 5_000, "ab", "2");
      pipe(driver, 5_000, "a", "get");
      pipe(driver, 5_000, "a", "prefix");
      assertEquals(List.of("", "", "1@1000", "ab@5000 a@1000 "), values(driver, "out"));
      TestStore<String, String> store = driver.store("seen", TEXT, TEXT);
      assertEquals("1", store.get("a"));
      assertEquals(1_000L, store.timestamp("a"));
      pipe(driver, 11_000, "a", "prefix");
      assertNull(store.get("a"));
      assertNull(store.timestamp("a"));
      assertEquals(List.of("ab@5000 "), values(driver, "out"));
    }
  }

  @Test
  void aRecordGoesToTheTopicThatIsChosen() {
    Outrigger app = Outrigger.create();
    FailurePolicy policy =
        FailurePolicy.create().withRetryMax(0).withExhausted(FailurePolicy.Exhausted.SKIP);
    app.stream("in", Consumed.with(TEXT, TEXT))
        .to(
            (key, value, record) -> key,
            List.of("left", "right"),
            Produced.with(TEXT, TEXT),
            Named.as("choose").withFailurePolicy(policy));
    try (TestDriver driver = TestDriver.of(app).start()) {
      for (String key : List.of("left", "right", "elsewhere", "left")) {
        pipe(driver, 1_000, key, key);
      }
      assertEquals(List.of("left", "left"), values(driver, "left"));
      assertEquals(List.of("right"), values(driver, "right"));
    }
  }

  @Test
  void whatMakesNoSenseIsRefusedWhereItIsDeclared() {
    KStream<String, String> stream =
        Outrigger.create().stream("in", Consumed.with(TEXT, TEXT));
    assertThrows(IllegalArgumentException.class, () -> SEEN.withTtl(Duration.ZERO));
    assertThrows(
        IllegalArgumentException.class,
        () -> stream.to((key, value, record) -> key, List.of("a", "a")));
    stream.process(TimestampsTest::remember, Stores.keyValueStore("seen", TEXT, TEXT));
    assertThrows(
        IllegalArgumentException.class, () -> stream.process(TimestampsTest::remember, SEEN));
  }
}
