package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Welcome;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

final class HookTest {
  private static final Serde<String> TEXT = Serdes.utf8();
  private static final Consumed<String, String> REQUESTS = Consumed.with(TEXT, TEXT);

  /** Forwards each record and asks the hook for it; fails of the value "bad" afterwards. */
  private static FakeSidecar asking(HookHandler<String, String> handler) {
    FakeSidecar sidecar = new FakeSidecar();
    Hook<String> receipt =
        sidecar.builder.hooks.add(sidecar.builder, "receipt", REQUESTS, handler, null);
    sidecar
        .texts()
        .<String, String>process(
            (record, context) -> {
              context.afterCommit(receipt, "receipt of " + record.value());
              if (record.value().equals("bad")) throw new IllegalStateException("refused");
              context.forward(record);
            },
            Named.as("p"))
        .to("topic-out", Produced.with(TEXT, TEXT).withName("out"));
    sidecar.welcome(
        Welcome.newBuilder()
            .addSources("topic")
            .addSources("app-receipt-hook")
            .addStages(FakeSidecar.stage("p").addSinks("out").addSinks("receipt"))
            .addStages(FakeSidecar.stage("receipt")));
    return sidecar;
  }

  private static void never(Record<String, String> request, HookContext context) {
    throw new AssertionError("nothing has committed");
  }

  /** The answer of the hook's own stage to one request. */
  private static BatchResult requested(FakeSidecar sidecar) throws InterruptedException {
    var segment = FakeSidecar.segment("a", "r").setSource(1);
    sidecar.send(FakeSidecar.batch(1, segment).setTaskId("1_0").setStage(1));
    return sidecar.result(0);
  }

  @Test
  void aRequestIsAnOutputToTheHookAndUndoneWithItsRecord() throws InterruptedException {
    try (FakeSidecar sidecar = asking(HookTest::never)) {
      sidecar.send(FakeSidecar.batch(1, FakeSidecar.segment("a", "1", "b", "bad")));
      BatchResult result = sidecar.result(0);
      assertEquals(1, result.getDone());
      assertEquals(List.of("0: a=receipt of 1", "0: a=1"), FakeSidecar.outputsOf(result));
      assertEquals(List.of(1, 0), result.getOutputs().getSinksList());
    }
  }

  @Test
  void theHookRunsOnWhatItsOwnStageBrings() throws InterruptedException {
    List<String> ran = new CopyOnWriteArrayList<>();
    HookHandler<String, String> handler =
        (request, context) -> {
          context.onRevoked(() -> ran.add("revoked"));
          ran.add(request.key() + " " + request.value() + " " + request.idempotencyKey());
          ran.add("revoked " + context.isRevoked());
        };
    try (FakeSidecar sidecar = asking(handler)) {
      BatchResult result = requested(sidecar);
      assertEquals(1, result.getDone());
      assertEquals(List.of(), FakeSidecar.outputsOf(result));
      assertEquals(List.of("a r app/app-receipt-hook-0@10", "revoked false"), ran);
    }
  }

  @Test
  void aHookThatFailsSaysSoUnderItsOwnName() throws InterruptedException {
    HookHandler<String, String> handler =
        (request, context) -> {
          throw new java.io.IOException("no mail today");
        };
    try (FakeSidecar sidecar = asking(handler)) {
      BatchResult result = requested(sidecar);
      assertEquals(0, result.getDone());
      assertEquals("receipt", result.getFailure().getNode());
      assertEquals("no mail today", result.getFailure().getMessage());
    }
  }

  @Test
  void aRequestToAHookOfAnotherApplicationFailsItsRecordCaughtOrNot() throws InterruptedException {
    Hook<String> other = Outrigger.create().afterCommit("elsewhere", REQUESTS, HookTest::never);
    try (FakeSidecar sidecar = new FakeSidecar()) {
      sidecar
          .texts()
          .<String, String>process(
              (record, context) ->
                  assertThrows(
                      IllegalArgumentException.class,
                      () -> context.afterCommit(other, record.value())),
              Named.as("p"))
          .to("topic-out", Produced.with(TEXT, TEXT).withName("out"));
      sidecar.welcome(FakeSidecar.stage("p").addSinks("out"));
      sidecar.send(FakeSidecar.batch(1, FakeSidecar.segment("a", "1")));
      BatchResult result = sidecar.result(0);
      assertEquals(0, result.getDone());
      assertTrue(result.getFailure().getMessage().contains("there is no hook \"elsewhere\""));
    }
  }

  @Test
  void aHookIsDeclaredUnderEveryProcessWithItsPolicy() {
    Outrigger app = Outrigger.create();
    var policy = FailurePolicy.create().withRetryMax(2);
    Hook<String> receipt = app.afterCommit("receipt", REQUESTS, HookTest::never, policy);
    app.stream("in", REQUESTS)
        .<String, String>process(
            (record, context) -> context.afterCommit(receipt, record.value()), Named.as("first"))
        .<String, String>process((record, context) -> {}, Named.as("second"));
    List<Node> nodes = app.topology().build().getNodesList();
    Node hook = nodes.get(nodes.size() - 1);
    assertEquals("receipt", hook.getName());
    assertEquals(List.of("first", "second"), hook.getParentsList());
    assertEquals(2, hook.getHook().getFailurePolicy().getRetryMax());
  }

  @Test
  void aHookThatNothingCanAskForOrWhoseNameIsTakenIsRefused() {
    Outrigger app = Outrigger.builder().address("unix:/nowhere").build();
    app.afterCommit("receipt", REQUESTS, HookTest::never);
    var taken =
        assertThrows(
            IllegalArgumentException.class,
            () -> app.afterCommit("receipt", REQUESTS, HookTest::never));
    assertTrue(taken.getMessage().contains("two nodes are named"));
    var lonely = assertThrows(IllegalStateException.class, app::start);
    assertTrue(lonely.getMessage().contains("nothing can ask for the hook \"receipt\""));
  }

  /** On the sidecar's kernel. */
  @Test
  void aHookRunsForWhatCommittedAndAgainWhereItsOwnCommitIsLost() {
    List<String> ran = new CopyOnWriteArrayList<>();
    TestDriver[] driver = new TestDriver[1];
    Outrigger app = Outrigger.builder().applicationId("hooked").build();
    Hook<String> receipt =
        app.afterCommit(
            "receipt",
            REQUESTS,
            (request, context) -> {
              ran.add(request.value());
              if (ran.size() == 1) driver[0].inject(TestDriver.Fault.REDELIVER);
            });
    var skip =
        FailurePolicy.create().withRetryMax(0).withExhausted(FailurePolicy.Exhausted.SKIP);
    app.stream("in", REQUESTS)
        .<String, String>process(
            (record, context) -> {
              context.afterCommit(receipt, record.value());
              if (record.value().equals("bad")) throw new IllegalStateException("refused");
            },
            Named.byOrder().withFailurePolicy(skip));
    try (TestDriver started = TestDriver.of(app).start()) {
      driver[0] = started;
      started.pipe("in", TEXT, TEXT, TestRecord.of("k", "bad"), TestRecord.of("k", "1"));
      assertEquals(List.of("1", "1"), ran);
    }
  }
}
