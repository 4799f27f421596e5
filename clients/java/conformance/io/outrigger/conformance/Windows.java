package io.outrigger.conformance;

import io.outrigger.Grouped;
import io.outrigger.KStream;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Named;
import io.outrigger.NumberType;
import io.outrigger.Outrigger;
import io.outrigger.Serdes;
import io.outrigger.SessionWindows;
import io.outrigger.SlidingWindows;
import io.outrigger.TimeWindowedKStream;
import io.outrigger.TimeWindows;
import io.outrigger.Windowed;
import java.time.Duration;

/** The topologies of more windows. */
final class Windows {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private Windows() {}

  /** Windows of a minute that overlap. */
  static TimeWindowedKStream<String, String> ofMinutes(Outrigger app) {
    TimeWindows windows =
        TimeWindows.ofSizeAndGrace(MINUTE, Duration.ofSeconds(10))
            .advanceBy(Duration.ofSeconds(20));
    return Conformance.commands(app).groupByKey().windowedBy(windows);
  }

  static void hopping(TimeWindowedKStream<String, String> windowed) {
    unwindow(
        windowed.aggregate(() -> "", Conformance::append, Named.as("fold"), Conformance.FOLDS));
  }

  static void sliding(Outrigger app) {
    var windows = SlidingWindows.ofTimeDifferenceAndGrace(MINUTE, Duration.ofSeconds(5));
    unwindow(
        Conformance.commands(app)
            .mapValues(value -> value == null ? null : Operations.length(value), Named.as("length"))
            .groupByKey(Grouped.with(Conformance.TEXT, Serdes.nullable(Serdes.Integer())))
            .windowedBy(windows)
            .max(NumberType.INT32, Named.as("max"), Materialized.as("maxima")));
  }

  static void slidingFold(Outrigger app) {
    var windows = SlidingWindows.ofTimeDifferenceAndGrace(MINUTE, Duration.ofSeconds(5));
    unwindow(
        Conformance.commands(app)
            .groupByKey()
            .windowedBy(windows)
            .aggregate(() -> "", Conformance::append, Named.as("fold"), Conformance.FOLDS));
  }

  static void session(Outrigger app) {
    var windows = SessionWindows.ofInactivityGapAndGrace(MINUTE, Duration.ofSeconds(10));
    unwindow(
        Conformance.commands(app)
            .groupByKey()
            .windowedBy(windows)
            .aggregate(
                () -> "(",
                Windows::append,
                (key, one, two) -> one + two + ")",
                Named.as("fold"),
                Materialized.as("folds").withValueSerde(Conformance.TEXT)));
  }

  private static String append(String key, String value, String folded) {
    if ("end".equals(value)) return null;
    return Conformance.append(key, value, folded == null ? "" : folded);
  }

  static void sessionCount(Outrigger app) {
    unwindow(
        Conformance.commands(app)
            .groupByKey()
            .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(MINUTE))
            .count(Named.as("count"), Materialized.as("counts")));
  }

  /** Writes windowed results under a text for the key and the window. */
  private static void unwindow(KStream<Windowed<String>, ?> windowed) {
    KStream<String, String> texts =
        windowed.map(
            (key, value) ->
                KeyValue.pair(Conformance.nameOf(key), value == null ? null : value.toString()),
            Named.as("unwindow"));
    Conformance.results(texts, Serdes.utf8(), Conformance.TEXT);
  }
}
