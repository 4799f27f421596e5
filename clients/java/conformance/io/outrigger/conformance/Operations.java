package io.outrigger.conformance;

import io.outrigger.Branched;
import io.outrigger.Consumed;
import io.outrigger.FixedKeyProcessorContext;
import io.outrigger.FixedKeyRecord;
import io.outrigger.Grouped;
import io.outrigger.KGroupedStream;
import io.outrigger.KStream;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Named;
import io.outrigger.NumberType;
import io.outrigger.Outrigger;
import io.outrigger.Predicate;
import io.outrigger.Repartitioned;
import io.outrigger.Serdes;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The topologies of more operations. */
final class Operations {
  private Operations() {}

  static void operations(Outrigger app) {
    KStream<String, String> stamped =
        Conformance.commands(app)
            .filterNot((key, value) -> value == null || value.startsWith("drop"), Named.as("drop"))
            .peek((key, value) -> tell(value), Named.as("seen"))
            .selectKey((key, value) -> value.split(":", 2)[0], Named.as("rekey"))
            .flatMapValues(value -> Arrays.asList(value.split(" ", -1)), Named.as("words"))
            .flatMap(
                (key, value) -> List.of(KeyValue.pair(key, value), KeyValue.pair(value, key)),
                Named.as("twice"))
            .processValues(Operations::stamp, Named.as("stamp"));
    results(stamped);
  }

  private static void stamp(
      FixedKeyRecord<String, String> record, FixedKeyProcessorContext<String, String> context) {
    context.forward(record.withValue(record.value().toUpperCase(Locale.ROOT)));
    context.forward(record.withTimestamp(record.timestamp() + 1));
  }

  static void branches(Outrigger app) {
    var route =
        Conformance.commands(app)
            .split(Named.as("route"))
            .branch((key, value) -> value != null && length(value) > 3, Branched.as("long"))
            .branch(begins("a"), Branched.as("a"))
            .defaultBranch(Branched.as("rest"));
    var mark = route.get("route-a").mapValues(Operations::marked, Named.as("mark"));
    var last =
        route
            .get("route-rest")
            .split(Named.as("last"))
            .branch(begins("b"), Branched.as("b"))
            .noDefaultBranch();
    results(route.get("route-long").merge(mark).merge(last.get("last-b")));
  }

  static void merge(Outrigger app) {
    KStream<String, String> commands = Conformance.commands(app);
    KStream<String, String> others =
        app.stream(
            "others", Consumed.with(Conformance.TEXT, Conformance.TEXT).withName("others"));
    KStream<String, String> mark = commands.mapValues(Operations::marked, Named.as("mark"));
    results(commands.merge(mark).merge(others).mapValues(Operations::upper, Named.as("upper")));
  }

  static void repartition(Outrigger app) {
    Repartitioned<String, String> byValue =
        Repartitioned.with(Conformance.TEXT, Conformance.TEXT)
            .withName("by-value")
            .withNumberOfPartitions(3);
    KStream<String, String> upper =
        Conformance.commands(app)
            .map((key, value) -> KeyValue.pair(value, key), Named.as("swap"))
            .repartition(byValue)
            .mapValues(Operations::upper, Named.as("upper"));
    results(upper);
  }

  static void regroup(Outrigger app) {
    KStream<String, String> folded =
        Conformance.commands(app)
            .groupBy(
                (key, value) -> value,
                Grouped.with("by-value", Conformance.TEXT, Conformance.TEXT))
            .aggregate(() -> "", Conformance::append, Named.as("fold"), Conformance.FOLDS);
    Conformance.results(folded, Conformance.TEXT, Serdes.utf8());
  }

  static void reduce(KGroupedStream<String, String> grouped) {
    KStream<String, String> reduced =
        grouped.reduce(
            (folded, value) -> {
              tell(value);
              return "end".equals(value) ? null : folded + value;
            },
            Named.as("fold"),
            Materialized.as("folds"));
    results(reduced);
  }

  static void sum(Outrigger app) {
    KStream<String, String> sums =
        Conformance.commands(app)
            .mapValues(value -> value == null ? null : (long) length(value), Named.as("length"))
            .groupByKey(Grouped.with(Conformance.TEXT, Serdes.nullable(Serdes.Long())))
            .sum(NumberType.INT64, Named.as("sum"), Materialized.as("sums"))
            .mapValues(value -> Long.toString(value), Named.as("text"));
    Conformance.results(sums, Conformance.TEXT, Serdes.utf8());
  }

  /** A text's number of characters. */
  static int length(String value) {
    return value.codePointCount(0, value.length());
  }

  private static void tell(String value) {
    if ("fail".equals(value)) throw new IllegalStateException("told to fail");
  }

  private static Predicate<String, String> begins(String prefix) {
    return (key, value) -> value != null && value.startsWith(prefix);
  }

  private static String marked(String value) {
    return (value == null ? "" : value) + "!";
  }

  private static String upper(String value) {
    return value == null ? null : value.toUpperCase(Locale.ROOT);
  }

  private static void results(KStream<String, String> stream) {
    Conformance.results(stream, Conformance.TEXT, Conformance.TEXT);
  }
}
