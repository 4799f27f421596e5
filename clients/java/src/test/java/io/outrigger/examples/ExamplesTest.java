package io.outrigger.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.outrigger.Outrigger;
import io.outrigger.Serde;
import io.outrigger.Serdes;
import io.outrigger.TestDriver;
import io.outrigger.TestRecord;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples that are nothing but a topology, on the sidecar's kernel. */
final class ExamplesTest {
  private static final Serde<String> TEXT = Serdes.utf8();
  private static final long MINUTE_MS = 60_000;

  /** What comes of the records, as `key=value timestamp`. */
  @SafeVarargs
  private static List<String> outputs(
      Outrigger app, String from, String to, TestRecord<String, String>... records) {
    List<String> found = new ArrayList<>();
    try (TestDriver driver = TestDriver.of(app).start()) {
      for (var each : records) driver.pipe(from, TEXT, TEXT, each);
      for (var each : driver.read(to, TEXT, Serdes.nullable(Serdes.Long()))) {
        found.add(each.key() + "=" + each.value() + " " + each.timestamp());
      }
    }
    return found;
  }

  private static TestRecord<String, String> at(long minute, String key, String value) {
    return TestRecord.at(minute * MINUTE_MS, key, value);
  }

  @Test
  void windowCountsCountsEachFiveMinutes() {
    assertEquals(
        List.of("a@0=1 0", "a@0=2 240000", "b@0=1 240000", "a@300000=1 300000"),
        outputs(
            WindowCounts.application(),
            "events",
            "event-counts",
            at(0, "a", "x"),
            at(4, "a", "y"),
            at(4, "b", "z"),
            at(5, "a", "x"),
            // Late: its window ended as the record before it came.
            at(4, "a", "y")));
  }

  @Test
  void wordTotalsCountsOverAllSentences() {
    assertEquals(
        List.of("one=1 60000", "two=1 60000", "two=2 120000", "three=1 120000"),
        outputs(
            WordTotals.application(),
            "sentences",
            "word-totals",
            at(1, "a", "One, two"),
            at(2, "b", "two THREE"),
            at(3, "c", "")));
  }

  @Test
  void visitsTakesBackWhatALongerVisitHasTakenIn() {
    assertEquals(
        List.of(
            "ada 0-0=1 0",
            "ada 0-0=null 0",
            "ada 0-1800000=2 1800000",
            "ada 3660000-3660000=1 3660000"),
        outputs(
            Visits.application(),
            "clicks",
            "visits",
            at(0, "ada", "/"),
            at(30, "ada", "/"),
            at(61, "ada", "/")));
  }
}
