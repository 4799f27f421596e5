package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.outputsOf;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.Exhausted;
import io.outrigger.gen.v1.Failure;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("a failure")
class FailuresTest {
  private static final Serde<String> PICKY =
      Serde.of(
          value -> {
            if (value.equals("unwritable")) throw new IllegalArgumentException("no such value");
            return Serdes.utf8().serialize(value);
          },
          bytes -> Serdes.utf8().deserialize(bytes));
  private static final Serde<String> REFUSING =
      Serde.of(
          value -> Serdes.utf8().serialize(value),
          bytes -> {
            throw new DeadLetterException("poison");
          });

  private interface Build extends Function<KStream<String, String>, KStream<String, String>> {}

  /** How one record fails in a topology whose entry is "p" and whose sink is "out". */
  private static Failure failureIn(Serde<String> value, Build build) throws Exception {
    try (FakeSidecar sidecar = new FakeSidecar()) {
      build
          .apply(sidecar.source(Serdes.utf8(), value))
          .to("topic-out", Produced.with(Serdes.utf8(), PICKY).withName("out"));
      sidecar.welcome(stage("p").addSinks("out"));
      sidecar.send(batch(1, segment("a", "1")));
      var result = sidecar.result(0);
      assertEquals(0, result.getDone());
      assertEquals(List.of(), outputsOf(result));
      assertTrue(result.hasFailure());
      return result.getFailure();
    }
  }

  private static Failure failureIn(Build build) throws Exception {
    return failureIn(Serdes.utf8(), build);
  }

  private static Failure thrown(Exception error) throws Exception {
    return failureIn(in -> in.mapValues(value -> raise(error), Named.as("p")));
  }

  private static <T> T raise(Throwable error) {
    throw Failures.unchecked(error);
  }

  private static KStream<String, String> passing(KStream<String, String> in) {
    return in.process(
        (record, context) -> context.forward(record.key(), record.value()), Named.as("p"));
  }

  private static KStream<String, String> failing(KStream<String, String> in, String node) {
    return in.mapValues(value -> raise(new IOException("down")), Named.as(node));
  }

  @Test
  @DisplayName("names the innermost node that failed")
  void namesTheInnermostNode() throws Exception {
    assertEquals("p", failureIn(in -> failing(in, "p")).getNode());
    assertEquals("below", failureIn(in -> failing(passing(in), "below")).getNode());
    assertEquals("p", failureIn(REFUSING, FailuresTest::passing).getNode(), "it cannot read");
    assertEquals(
        "out", failureIn(in -> passing(in).mapValues(value -> "unwritable")).getNode(), "to write");
    Failure unmade =
        failureIn(
            in -> {
              ProcessorSupplier<String, String, String, String> none =
                  () -> raise(new IOException("no processor"));
              return in.process(none, Named.as("p"));
            });
    assertEquals("p", unmade.getNode());
  }

  @Test
  @DisplayName("names the handler that failed after what it forwarded went well")
  void namesTheHandler() throws Exception {
    Failure failure =
        failureIn(
            in ->
                in.<String, String>process(
                        (record, context) -> {
                          context.forward(record.key(), record.value());
                          raise(new IOException("of its own"));
                        },
                        Named.as("p"))
                    .mapValues(value -> value, Named.as("below")));
    assertEquals("p", failure.getNode());
  }

  @Test
  @DisplayName("names the node of the cause where a handler wraps it, its own where it does not")
  void looksAtCauses() throws Exception {
    Processor<String, String, String, String> wrapping =
        (record, context) -> {
          try {
            context.forward(record.key(), record.value());
          } catch (RuntimeException error) {
            throw new IllegalStateException("wrapped", error);
          }
        };
    Processor<String, String, String, String> forgetting =
        (record, context) -> {
          try {
            context.forward(record.key(), record.value());
          } catch (RuntimeException error) {
            throw new IllegalStateException("of its own");
          }
        };
    Build below =
        in -> in.mapValues(value -> raise(new StopTaskException("halt")), Named.as("below"));
    Failure wrapped = failureIn(in -> below.apply(in.process(wrapping, Named.as("p"))));
    assertEquals("below", wrapped.getNode());
    assertEquals(Verdict.VERDICT_FAIL, wrapped.getVerdict());
    Failure forgotten = failureIn(in -> below.apply(in.process(forgetting, Named.as("p"))));
    assertEquals("p", forgotten.getNode());
    assertEquals(Verdict.VERDICT_UNSPECIFIED, forgotten.getVerdict());
  }

  @Test
  @DisplayName("is that of the first forward that failed, whatever its handler makes of it")
  void tellsTheFirstForward() throws Exception {
    Failure failure =
        failureIn(
            in -> {
              KStream<String, String> forwarded =
                  in.process(
                      (record, context) -> {
                        for (String value : List.of("1", "2")) {
                          try {
                            context.forward(record.key(), value);
                          } catch (RuntimeException error) {
                            continue;
                          }
                        }
                      },
                      Named.as("p"));
              forwarded.filter(
                  (key, value) ->
                      value.equals("2") || FailuresTest.<Boolean>raise(new StopTaskException("first")),
                  Named.as("first"));
              return forwarded.mapValues(
                  value -> raise(new IllegalStateException("second")), Named.as("second"));
            });
    assertEquals("first", failure.getNode());
    assertEquals("first", failure.getMessage());
  }

  @Test
  @DisplayName("tells verdicts as the protocol has them, also as the cause of another exception")
  void tellsVerdicts() throws Exception {
    var busy = new RetryLaterException("busy", Duration.ofMillis(1_500), new IOException("why"));
    assertEquals("why", busy.getCause().getMessage());
    assertVerdict(Verdict.VERDICT_RETRY, 1_500, thrown(busy));
    assertVerdict(
        Verdict.VERDICT_RETRY, 0, thrown(new RetryLaterException("busy", Duration.ZERO)));
    Failure unsaid = thrown(new RetryLaterException("busy"));
    assertEquals(Verdict.VERDICT_RETRY, unsaid.getVerdict());
    assertFalse(unsaid.hasRetryAfterMs());
    assertVerdict(Verdict.VERDICT_RETRY, 1_500, thrown(new IOException("wrapped", busy)));
    Failure never = thrown(new DeadLetterException("never", busy));
    assertEquals(Verdict.VERDICT_DEAD_LETTER, never.getVerdict());
    assertEquals("io.outrigger.DeadLetterException", never.getType());
    assertFalse(never.hasRetryAfterMs());
    Failure parked = thrown(new ParkException("not now"));
    assertEquals(Verdict.VERDICT_PARK, parked.getVerdict());
    Failure halt = thrown(new StopTaskException("halt"));
    assertEquals(Verdict.VERDICT_FAIL, halt.getVerdict());
    Failure noWord = thrown(new IOException("no word"));
    assertEquals(Verdict.VERDICT_UNSPECIFIED, noWord.getVerdict());
    Failure unread = failureIn(REFUSING, FailuresTest::passing);
    assertEquals(Verdict.VERDICT_DEAD_LETTER, unread.getVerdict());
  }

  private static void assertVerdict(Verdict verdict, long afterMs, Failure failure) {
    assertEquals(verdict, failure.getVerdict());
    assertTrue(failure.hasRetryAfterMs());
    assertEquals(afterMs, failure.getRetryAfterMs());
  }

  @Test
  @DisplayName("of causes that go in a circle is told all the same")
  void endsCircles() throws Exception {
    var first = new IOException("first");
    var second = new IOException("second", first);
    first.initCause(second);
    assertEquals("first", thrown(first).getMessage());
  }

  @Test
  @DisplayName("takes no pause below 0")
  void refusesPauses() {
    assertThrows(
        IllegalArgumentException.class, () -> new RetryLaterException("x", Duration.ofMillis(-1)));
  }

  @Test
  @DisplayName("has a policy of its node, of every node that has code")
  void declaresPolicies() {
    try (FakeSidecar sidecar = new FakeSidecar()) {
      FailurePolicy policy =
          FailurePolicy.create()
              .withRetryMax(0)
              .withRetryInitial(Duration.ofMillis(250))
              .withRetryFactor(1.5)
              .withRetryMaxDelay(Duration.ofMinutes(1))
              .withRetryJitter(0)
              .withExhausted(FailurePolicy.Exhausted.SKIP);
      Named named = Named.byOrder().withFailurePolicy(policy);
      KStream<String, String> in = sidecar.texts();
      in.process((record, context) -> {}, named);
      in.process(() -> (record, context) -> {}, named);
      in.map(KeyValue::pair, named);
      in.mapValues(value -> value, named);
      in.filter((key, value) -> true, named);
      var fold = Materialized.with(Serdes.utf8());
      in.groupByKey().aggregate(() -> "", (key, value, sum) -> sum, named, fold);
      var windows = TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(1));
      in.groupByKey().windowedBy(windows).aggregate(() -> "", (k, v, sum) -> sum, named, fold);
      in.mapValues(value -> value);
      List<Node> nodes = sidecar.builder.build().getNodesList();
      for (Node node : nodes.subList(1, 8)) {
        var said =
            node.hasAggregate()
                ? node.getAggregate().getFailurePolicy()
                : node.getFunction().getFailurePolicy();
        assertEquals(policy.wire, said, node.getName());
      }
      assertFalse(nodes.get(8).getFunction().hasFailurePolicy());
      assertEquals("function-02", nodes.get(1).getName());
    }
  }

  @Test
  @DisplayName("has a policy that says what it was told, and nothing else")
  void saysWhatItWasTold() {
    var policy =
        FailurePolicy.create()
            .withRetryMax(2)
            .withRetryInitial(Duration.ofMillis(250))
            .withRetryFactor(1.5)
            .withRetryMaxDelay(Duration.ofMinutes(1))
            .withRetryJitter(0.5)
            .withExhausted(FailurePolicy.Exhausted.FAIL);
    var wire =
        io.outrigger.gen.v1.FailurePolicy.newBuilder()
            .setRetryMax(2)
            .setRetryInitialMs(250)
            .setRetryFactor(1.5)
            .setRetryMaxDelayMs(60_000)
            .setRetryJitter(0.5)
            .setExhausted(Exhausted.EXHAUSTED_FAIL)
            .build();
    assertEquals(wire, policy.wire);
    assertSame(
        io.outrigger.gen.v1.FailurePolicy.getDefaultInstance(), FailurePolicy.create().wire);
  }

  @Test
  @DisplayName("has no policy that cannot be, and none of a count")
  void refusesPolicies() {
    var policy = FailurePolicy.create();
    assertThrows(IllegalArgumentException.class, () -> policy.withRetryMax(-1));
    assertThrows(IllegalArgumentException.class, () -> policy.withRetryInitial(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> policy.withRetryMaxDelay(Duration.ZERO));
    try (FakeSidecar sidecar = new FakeSidecar()) {
      var grouped = sidecar.texts().groupByKey();
      Named named = Named.as("counts").withFailurePolicy(policy);
      var stored = Materialized.as("counts");
      var error =
          assertThrows(IllegalArgumentException.class, () -> grouped.count(named, stored));
      assertTrue(error.getMessage().contains("runs in the sidecar"), error.getMessage());
    }
  }
}
