package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.Node;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Timers and punctuators, on the sidecar's kernel. */
final class TimersTest {
  private static final Serde<String> TEXT = Serdes.String();
  private static final long START_MS = 1_000_000;
  private static final long MINUTE_MS = 60_000;
  private static final KeyValueStoreDefinition<String, String> LAST =
      Stores.keyValueStore("last", TEXT, TEXT);
  private static final FailurePolicy GIVES_UP =
      FailurePolicy.create().withRetryMax(0).withExhausted(FailurePolicy.Exhausted.DEAD_LETTER);

  /** `set NAME TIME [wall]`, `delete NAME [wall]`, `fail`; several by `;`. */
  private static void obey(String value, Timers timers) {
    for (String command : value.split(";")) {
      String[] words = command.split(" ");
      boolean isWall = words[words.length - 1].equals("wall");
      TimerClock clock = isWall ? TimerClock.WALL_CLOCK_TIME : TimerClock.STREAM_TIME;
      switch (words[0]) {
        case "set" -> timers.set(words[1], Long.parseLong(words[2]), clock);
        case "delete" -> timers.delete(words[1], clock);
        case "fail" -> throw new IllegalStateException("no");
        default -> {}
      }
    }
  }

  /** Keeps the last value of each key; a timer that fires tells it. */
  private static final class Waiting implements TimedProcessor<String, String, String, String> {
    @Override
    public void process(Record<String, String> record, ProcessorContext<String, String> context) {
      context.getStateStore(LAST).put(record.key(), record.value());
      obey(record.value(), context.timers());
    }

    @Override
    public void onTimer(FiredTimer<String> timer, ProcessorContext<String, String> context) {
      switch (timer.name()) {
        case "poison" -> throw new IllegalStateException("no timer");
        case "rival" -> context.timers().delete("victim");
        case "again" -> context.timers().set("again", timer.time() + MINUTE_MS);
        default -> {}
      }
      assertTrue(timer.idempotencyKey().startsWith("timed/timed-wait-timers-0@"));
      String last = context.getStateStore(LAST).get(timer.key());
      String what = timer.name() + " " + timer.time() + " " + timer.clock();
      context.forward(timer.key(), what + " " + last);
    }
  }

  private static TestDriverBuilder timed() {
    Outrigger app = Outrigger.builder().applicationId("timed").build();
    app.stream("in", Consumed.with(TEXT, TEXT))
        .process(new Waiting(), Named.as("wait").withFailurePolicy(GIVES_UP), LAST)
        .to("out", Produced.with(TEXT, TEXT));
    return TestDriver.of(app).wallClock(Instant.ofEpochMilli(START_MS));
  }

  private static void pipe(TestDriver driver, long at, String key, String value) {
    driver.pipe("in", TEXT, TEXT, TestRecord.at(at, key, value));
  }

  /** The outputs as `key@timestamp: value`. */
  private static List<String> told(TestDriver driver) {
    return driver.read("out", TEXT, TEXT).stream()
        .map(each -> each.key() + "@" + each.timestamp() + ": " + each.value())
        .toList();
  }

  /** The first words of the outputs' values. */
  private static List<String> names(TestDriver driver) {
    return driver.read("out", Serdes.nullable(TEXT), TEXT).stream()
        .map(each -> each.value().split(" ")[0])
        .toList();
  }

  @Test
  void aTimerFiresOnceWhenStreamTimeHasReachedIt() {
    try (TestDriver driver = timed().start()) {
      pipe(driver, 10, "k", "set a 50");
      pipe(driver, 49, "k", "x");
      assertEquals(List.of(), told(driver));
      pipe(driver, 50, "j", "y");
      assertEquals(List.of("k@50: a 50 STREAM_TIME x"), told(driver));
      driver.advanceStreamTime(1_000);
      assertEquals(List.of(), told(driver));
    }
  }

  @Test
  void settingItAgainMovesItAndDeletingCancelsIt() {
    try (TestDriver driver = timed().start()) {
      pipe(driver, 1, "k", "set a 50;set b 60");
      pipe(driver, 2, "k", "set a 90;delete b");
      driver.advanceStreamTime(89);
      assertEquals(List.of(), told(driver));
      driver.advanceStreamTime(95);
      assertEquals(List.of("k@90: a 90 STREAM_TIME set a 90;delete b"), told(driver));
    }
  }

  @Test
  void theWallClockFiresItAndLeavesStreamTimeWhereItWas() {
    try (TestDriver driver = timed().start()) {
      long due = START_MS + MINUTE_MS;
      String value = "set w " + due + " wall;set v " + due + " wall;delete v wall;set s 500";
      pipe(driver, 1, "k", value);
      driver.advanceWallClock(Duration.ofMillis(MINUTE_MS - 1));
      assertEquals(List.of(), told(driver));
      driver.advanceWallClock(Duration.ofMillis(1));
      assertEquals(
          List.of("k@" + due + ": w " + due + " WALL_CLOCK_TIME " + value), told(driver));
      driver.advanceStreamTime(500);
      assertEquals(List.of("s"), names(driver));
    }
  }

  @Test
  void aHandlerCancelsWhatIsDueBesideItAndSetsAnew() {
    try (TestDriver driver = timed().start()) {
      pipe(driver, 1, "k", "set rival 10;set victim 11;set again 12");
      driver.advanceStreamTime(20);
      assertEquals(List.of("rival", "again"), names(driver));
      driver.advanceStreamTime(12 + MINUTE_MS);
      assertEquals(List.of("again"), names(driver));
    }
  }

  @Test
  void aRecordThatFailsSetsNothingAndATimerThatFailsHasADeadLetter() {
    String letters = "errors.dead.letter.queue.topic.name";
    try (TestDriver driver = timed().setting(letters, "dead").start()) {
      pipe(driver, 1, "k", "set a 5;fail");
      pipe(driver, 2, "k", "set poison 5;set b 6");
      driver.advanceStreamTime(10);
      assertEquals(List.of("b"), names(driver));
      var dead = driver.read("dead", TEXT, Serdes.ByteArray());
      assertEquals(List.of("k", "k"), dead.stream().map(TestRecord::key).toList());
    }
  }

  @ParameterizedTest
  @EnumSource
  void faultsOfTheCommitNeitherLoseATimerNorDoubleIt(TestDriver.Fault fault) {
    try (TestDriver driver = timed().start()) {
      driver.inject(fault);
      pipe(driver, 1, "k", "set a 50;set b 60");
      driver.inject(fault);
      driver.advanceStreamTime(70);
      assertEquals(List.of("a", "b"), names(driver));
    }
  }

  /** Says what it is called for. */
  private record Ticking(List<String> calls)
      implements TimedProcessor<String, String, String, String> {
    @Override
    public void process(Record<String, String> record, ProcessorContext<String, String> context) {}

    @Override
    public void onTimer(FiredTimer<String> timer, ProcessorContext<String, String> context) {}

    @Override
    public void onPunctuate(
        String name, long timestamp, ProcessorContext<String, String> context) {
      calls.add(name + " " + (name.equals("wall") ? timestamp - START_MS : timestamp));
      context.forward(null, name);
    }
  }

  private static Named ticking() {
    return Named.as("tick")
        .withPunctuator("stream", Duration.ofMillis(100), TimerClock.STREAM_TIME)
        .withPunctuator("wall", Duration.ofMinutes(1), TimerClock.WALL_CLOCK_TIME);
  }

  @Test
  void punctuatorsAreCalledAsKafkaStreamsCallsThem() {
    List<String> calls = new CopyOnWriteArrayList<>();
    Outrigger app = Outrigger.builder().applicationId("punctuated").build();
    app.stream("in", Consumed.with(TEXT, TEXT))
        .process(new Ticking(calls), ticking())
        .to("out", Produced.with(Serdes.nullable(TEXT), TEXT));
    try (TestDriver driver =
        TestDriver.of(app).wallClock(Instant.ofEpochMilli(START_MS)).start()) {
      // What was missed is one call.
      for (long at : new long[] {150, 199, 200, 601}) pipe(driver, at, "k", "x");
      driver.advanceWallClock(Duration.ofMinutes(1));
      driver.advanceWallClock(Duration.ofMillis(MINUTE_MS - 1));
      List<String> wanted = List.of("stream 150", "stream 200", "stream 601", "wall 60000");
      assertEquals(wanted, new ArrayList<>(calls));
      driver.advanceWallClock(Duration.ofMillis(1));
      assertEquals("wall 120000", calls.get(calls.size() - 1));
      assertEquals(List.of("stream", "stream", "stream", "wall", "wall"), names(driver));
    }
  }

  /** Keeps the key, and sets timers of it. */
  private static final class Reminding implements TimedFixedKeyProcessor<String, String, String> {
    @Override
    public void process(
        FixedKeyRecord<String, String> record, FixedKeyProcessorContext<String, String> context) {
      obey(record.value(), context.timers());
    }

    @Override
    public void onTimer(
        FiredTimer<String> timer,
        FixedKeyRecord<String, String> record,
        FixedKeyProcessorContext<String, String> context) {
      context.forward(record.withValue(timer.name() + " " + timer.time()));
    }
  }

  @Test
  void processValuesHasTimersAndWhatTheyForwardKeepsTheKey() {
    Outrigger app = Outrigger.builder().applicationId("values").build();
    app.stream("in", Consumed.with(TEXT, TEXT))
        .processValues(new Reminding())
        .to("out", Produced.with(TEXT, TEXT));
    try (TestDriver driver = TestDriver.of(app).start()) {
      pipe(driver, 1, "k", "set a 50;set b 60");
      pipe(driver, 2, "j", "set a 50;delete a");
      driver.advanceStreamTime(55);
      assertEquals(List.of("k@50: a 50"), told(driver));
      pipe(driver, 56, "k", "delete b");
      driver.advanceStreamTime(100);
      assertEquals(List.of(), told(driver));
    }
  }

  @Test
  void aSupplierOfTimersSaysSoByItsType() {
    TimedProcessorSupplier<String, String, String, String> timed = Waiting::new;
    ProcessorSupplier<String, String, String, String> plain = Waiting::new;
    Outrigger app = Outrigger.create();
    KStream<String, String> in = app.stream("in", Consumed.with(TEXT, TEXT));
    in.process(timed, LAST);
    in.process(plain, LAST);
    List<Node> nodes = app.topology().build().getNodesList();
    assertEquals(
        List.of(true, false),
        nodes.stream().skip(1).map(node -> node.getFunction().getTimers()).toList());
  }

  @Test
  void theyAreDeclaredOfTheirNode() {
    Outrigger app = Outrigger.create();
    KStream<String, String> in = app.stream("in", Consumed.with(TEXT, TEXT));
    in.process((Record<String, String> record, ProcessorContext<String, String> context) -> {});
    in.process(new Waiting(), LAST);
    in.processValues(new Reminding());
    in.process(new Ticking(List.of()), ticking());
    List<Node> nodes = app.topology().build().getNodesList();
    assertEquals(
        List.of(false, true, true, true),
        nodes.stream().skip(1).map(node -> node.getFunction().getTimers()).toList());
    assertEquals(0, nodes.get(2).getFunction().getPunctuatorsCount());
    var wall = nodes.get(4).getFunction().getPunctuators(1);
    assertEquals("wall", wall.getName());
    assertEquals(60_000, wall.getIntervalMs());
    assertEquals(TimerClock.WALL_CLOCK_TIME.wire, wall.getClock());
  }

  @Test
  void whatCannotBeSetFailsItsRecordAndSaysWhy() {
    List<String> said = new CopyOnWriteArrayList<>();
    Processor<String, String, String, String> attempts =
        (record, context) -> {
          for (String command : List.of("set a -1", "set " + "b".repeat(256) + " 1")) {
            try {
              obey(command, context.timers());
            } catch (RuntimeException error) {
              said.add(String.valueOf(error.getMessage()));
            }
          }
        };
    Outrigger app = Outrigger.create();
    KStream<String, String> in = app.stream("in", Consumed.with(Serdes.nullable(TEXT), TEXT));
    in.process(
        new TimedProcessor<String, String, String, String>() {
          @Override
          public void process(
              Record<String, String> record, ProcessorContext<String, String> context)
              throws Exception {
            attempts.process(record, context);
          }

          @Override
          public void onTimer(
              FiredTimer<String> timer, ProcessorContext<String, String> context) {}
        });
    in.process(attempts, Named.as("none"));
    try (TestDriver driver = TestDriver.of(app).start()) {
      pipe(driver, 1, "k", "x");
      assertTrue(said.stream().anyMatch(line -> line.contains("cannot be set to -1")), said::toString);
      assertTrue(said.stream().anyMatch(line -> line.contains("256 bytes")), said::toString);
      assertTrue(said.stream().anyMatch(line -> line.contains("\"none\"")), said::toString);
      said.clear();
      driver.pipe("in", Serdes.nullable(TEXT), TEXT, TestRecord.at(2, null, "x"));
      assertTrue(said.stream().anyMatch(line -> line.contains("no key")), said::toString);
    }
  }
}
