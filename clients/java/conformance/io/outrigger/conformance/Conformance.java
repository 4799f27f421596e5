package io.outrigger.conformance;

import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.outrigger.Consumed;
import io.outrigger.EmitStrategy;
import io.outrigger.FailurePolicy;
import io.outrigger.HookContext;
import io.outrigger.KStream;
import io.outrigger.KeyValue;
import io.outrigger.Materialized;
import io.outrigger.Named;
import io.outrigger.Outrigger;
import io.outrigger.OutriggerRejectedException;
import io.outrigger.Produced;
import io.outrigger.Record;
import io.outrigger.Serde;
import io.outrigger.Serdes;
import io.outrigger.Suppressed;
import io.outrigger.Suppressed.BufferConfig;
import io.outrigger.TimeWindowedKStream;
import io.outrigger.TimeWindows;
import io.outrigger.Windowed;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Pattern;

/** The application that the conformance kit drives; docs/sdks.md says what each topology is. */
public final class Conformance {
  static final Serde<String> TEXT = Serdes.nullable(Serdes.utf8());
  private static final TimeWindows MINUTES = TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1));
  static final Materialized<String> FOLDS =
      Materialized.as("folds").withValueSerde(Serdes.utf8());

  private static final FailurePolicy PARKING =
      FailurePolicy.create().withExhausted(FailurePolicy.Exhausted.PARK);

  private static final FailurePolicy RECEIPTS =
      FailurePolicy.create().withRetryMax(3).withExhausted(FailurePolicy.Exhausted.DEAD_LETTER);

  private static final FailurePolicy POLICY =
      FailurePolicy.create()
          .withRetryMax(2)
          .withRetryInitial(Duration.ofMillis(250))
          .withRetryFactor(1.5)
          .withRetryMaxDelay(Duration.ofMinutes(1))
          .withRetryJitter(0)
          .withExhausted(FailurePolicy.Exhausted.DEAD_LETTER);

  private static final Consumed<String, Action[]> ACTIONS =
      Consumed.with(TEXT, Serdes.nullable(Serdes.json(Action[].class))).withName("commands");

  private Conformance() {}

  /**
   * Runs it until SIGTERM.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    GlobalOpenTelemetry.set(
        OpenTelemetry.propagating(ContextPropagators.create(W3CTraceContextPropagator.getInstance())));
    Outrigger app = Outrigger.create();
    String chosen = System.getenv().getOrDefault("OUTRIGGER_CONFORMANCE_TOPOLOGY", "process");
    switch (chosen) {
      case "process" -> process(app, Named.as("interpret"));
      case "policy" -> process(app, Named.as("interpret").withFailurePolicy(POLICY));
      case "parking" -> process(app, Named.as("interpret").withFailurePolicy(PARKING));
      case "pattern" -> {
        Pattern topics = Pattern.compile("commands-[a-z]+");
        interpret(app.stream(topics, ACTIONS), Named.as("interpret"));
      }
      case "hook" -> hook(app);
      case "stateless" -> stateless(app);
      case "aggregate" -> aggregate(app);
      case "windowed" -> windowed(app);
      case "count" -> count(app);
      case "operations" -> Operations.operations(app);
      case "branches" -> Operations.branches(app);
      case "merge" -> Operations.merge(app);
      case "repartition" -> Operations.repartition(app);
      case "regroup" -> Operations.regroup(app);
      case "reduce" -> Operations.reduce(commands(app).groupByKey());
      case "committing-fold" ->
          Operations.reduce(commands(app).groupByKey().emitStrategy(EmitStrategy.onCommit()));
      case "sum" -> Operations.sum(app);
      case "timers" -> Waiting.declare(app);
      case "hopping" -> Windows.hopping(Windows.ofMinutes(app));
      case "closing-fold" ->
          Windows.hopping(Windows.ofMinutes(app).emitStrategy(EmitStrategy.onWindowClose()));
      case "sliding-fold" -> Windows.slidingFold(app);
      case "sliding" -> Windows.sliding(app);
      case "session" -> Windows.session(app);
      case "session-count" -> Windows.sessionCount(app);
      case "timestamped" -> Timestamps.timestamped(app);
      case "chosen" -> Timestamps.chosen(app);
      case "held-back" -> heldBack(app);
      case "emitted" -> emitted(app);
      default -> throw new IllegalArgumentException("there is no topology \"" + chosen + "\"");
    }
    try {
      app.run();
    } catch (OutriggerRejectedException rejected) {
      System.err.println(rejected.getMessage());
      System.exit(1);
    }
  }

  static KStream<String, String> commands(Outrigger app) {
    return app.stream("commands", Consumed.with(TEXT, TEXT).withName("commands"));
  }

  static void results(KStream<String, String> stream, Serde<String> key, Serde<String> value) {
    stream.to("results", Produced.with(key, value).withName("results"));
  }

  private static void process(Outrigger app, Named interpret) {
    interpret(app.stream("commands", ACTIONS), interpret);
  }

  private static void interpret(KStream<String, Action[]> commands, Named interpret) {
    KStream<String, String> interpreted =
        commands.process(Interpreter::process, interpret, Interpreter.STATE);
    results(interpreted, TEXT, TEXT);
  }

  private static void hook(Outrigger app) {
    Interpreter.receipt =
        app.afterCommit("receipt", Consumed.with(TEXT, TEXT), Conformance::receipt, RECEIPTS);
    process(app, Named.as("interpret"));
  }

  private static void receipt(Record<String, String> request, HookContext context) {
    String value = request.value();
    if (value == null || !value.startsWith("fail")) return;
    throw new IllegalStateException(
        value + " " + request.key() + " " + request.idempotencyKey());
  }

  private static void stateless(Outrigger app) {
    KStream<String, String> swapped =
        commands(app)
            .filter((key, value) -> value != null && !value.startsWith("drop"), Named.as("keep"))
            .mapValues(value -> value.toUpperCase(Locale.ROOT), Named.as("upper"))
            .map((key, value) -> KeyValue.pair(value, key), Named.as("swap"));
    results(swapped, TEXT, TEXT);
  }

  private static void aggregate(Outrigger app) {
    KStream<String, String> folded =
        commands(app)
            .groupByKey()
            .aggregate(() -> "", Conformance::append, Named.as("fold"), FOLDS);
    results(folded, TEXT, Serdes.utf8());
  }

  private static void windowed(Outrigger app) {
    KStream<String, String> folded =
        commands(app)
            .groupByKey()
            .windowedBy(MINUTES)
            .aggregate(() -> "", Conformance::append, Named.as("fold"), FOLDS)
            .map((key, value) -> KeyValue.pair(nameOf(key), value), Named.as("unwindow"));
    results(folded, Serdes.utf8(), Serdes.utf8());
  }

  private static void count(Outrigger app) {
    counted(minutes(app).count(Named.as("count"), Materialized.as("counts")));
  }

  private static void heldBack(Outrigger app) {
    BufferConfig buffer = BufferConfig.maxRecords(1_000).withMaxBytes(65_536).emitEarlyWhenFull();
    counted(
        minutes(app)
            .count(Named.as("count"), Materialized.as("counts"))
            .suppress(
                Suppressed.untilTimeLimit(Duration.ofSeconds(30), buffer), Named.as("hold")));
  }

  private static void emitted(Outrigger app) {
    counted(
        minutes(app)
            .emitStrategy(EmitStrategy.onWindowClose())
            .count(Named.as("count"), Materialized.as("counts")));
  }

  private static TimeWindowedKStream<String, String> minutes(Outrigger app) {
    return commands(app).groupByKey().windowedBy(MINUTES);
  }

  private static void counted(KStream<Windowed<String>, Long> counts) {
    KStream<String, String> counted =
        counts.map(
            (key, value) -> KeyValue.pair(nameOf(key), Long.toString(value)),
            Named.as("unwindow"));
    results(counted, Serdes.utf8(), Serdes.utf8());
  }

  static String append(String key, String value, String folded) {
    if ("fail".equals(value)) throw new IllegalStateException("told to fail");
    return folded + (value == null ? "" : value);
  }

  static String nameOf(Windowed<String> key) {
    return key.key() + "@" + key.window().start() + "-" + key.window().end();
  }
}
