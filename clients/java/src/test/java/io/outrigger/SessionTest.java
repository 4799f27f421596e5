package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.outputsOf;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.Segment;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("a session")
class SessionTest {
  /** A record whose handler waits to be let go. */
  private record Waiting(
      String key, CountDownLatch gate, ProcessorContext<String, String> context) {}

  private final FakeSidecar sidecar = new FakeSidecar();
  private final BlockingQueue<Waiting> waiting = new LinkedBlockingQueue<>();

  SessionTest() {
    sidecar
        .texts()
        .<String, String>process(
            (record, context) -> {
              Waiting own = new Waiting(record.key(), new CountDownLatch(1), context);
              waiting.add(own);
              own.gate.await();
              context.forward(record);
            },
            Named.as("p"))
        .to("topic-out", Produced.with(Serdes.utf8(), Serdes.utf8()).withName("out"));
    sidecar.welcome(stage("p").addSinks("out"));
  }

  @AfterEach
  void close() {
    sidecar.close();
  }

  private static Segment.Builder rows(String... keys) {
    return segment(Stream.of(keys).flatMap(key -> Stream.of(key, "")).toArray(String[]::new));
  }

  private Waiting next() throws InterruptedException {
    Waiting next = waiting.poll(10, TimeUnit.SECONDS);
    assertTrue(next != null, "no record is being worked on");
    return next;
  }

  private String go() throws InterruptedException {
    Waiting next = next();
    next.gate.countDown();
    return next.key;
  }

  @Test
  @DisplayName("runs the batches of a task one after the other, those of others beside them")
  void runsTasksSideBySide() throws Exception {
    sidecar.send(batch(1, rows("a")));
    sidecar.send(batch(2, rows("b")));
    sidecar.send(batch(3, rows("c")).setTaskId("0_1"));
    Waiting first = next();
    Waiting second = next();
    assertEquals(Set.of("a", "c"), Set.of(first.key, second.key));
    assertNull(waiting.poll(50, TimeUnit.MILLISECONDS), "b comes after a");
    first.gate.countDown();
    second.gate.countDown();
    assertEquals("b", go());
    Set<Long> done =
        Set.of(
            sidecar.result(0).getDispatchId(),
            sidecar.result(1).getDispatchId(),
            sidecar.result(2).getDispatchId());
    assertEquals(Set.of(1L, 2L, 3L), done);
  }

  private static void pause(long nanos) {
    long until = System.nanoTime() + nanos;
    while (System.nanoTime() < until) Thread.onSpinWait();
  }

  private static void keepBusy(Session session, AtomicBoolean isOver) {
    while (!isOver.get()) {
      synchronized (session) {
        pause(500);
      }
    }
  }

  @Test
  @DisplayName("runs a batch once that comes just as the last one of its task ends")
  void runsOnceAtTheEnd() throws Exception {
    try (FakeSidecar other = new FakeSidecar()) {
      AtomicInteger begun = new AtomicInteger();
      other
          .texts()
          .<String, String>process((record, context) -> begun.incrementAndGet(), Named.as("p"));
      other.welcome(stage("p"));
      int batches = 5_000;
      AtomicBoolean isOver = new AtomicBoolean();
      // Somebody else wants the session all the time, so that whoever leaves it waits to come back.
      Thread busy = new Thread(() -> keepBusy(other.session, isOver));
      busy.start();
      for (int batch = 1; batch <= batches; batch++) {
        other.send(batch(batch, rows("a")));
        while (begun.get() < batch) Thread.onSpinWait();
        // From before its result is sent until after its worker has ended.
        pause(batch % 100 * 100);
      }
      isOver.set(true);
      busy.join();
      other.result(batches - 1);
      other.settle();
      assertEquals(batches, begun.get());
      assertEquals(batches, other.frames().size());
    }
  }

  @Test
  @DisplayName("stops a revoked batch at its next record and says no word about it")
  void stopsRevoked() throws Exception {
    sidecar.send(batch(1, rows("a", "b")));
    sidecar.send(batch(2, rows("c")));
    sidecar.send(batch(3, rows("d")).setTaskEpoch(2));
    Waiting first = next();
    CountDownLatch told = new CountDownLatch(1);
    first.context.onRevoked(told::countDown);
    assertFalse(first.context.isRevoked());
    sidecar.revoke("0_0", 1);
    assertTrue(told.await(10, TimeUnit.SECONDS));
    assertTrue(first.context.isRevoked());
    CountDownLatch toldAtOnce = new CountDownLatch(1);
    first.context.onRevoked(toldAtOnce::countDown);
    assertEquals(0, toldAtOnce.getCount());
    first.gate.countDown();
    assertEquals("d", go());
    assertEquals(List.of("0: d="), outputsOf(sidecar.result(0)));
    assertEquals(1, sidecar.frames().size());
  }

  @Test
  @DisplayName("leaves the batches of another epoch, and of another task, alone")
  void revokesOnlyWhatIsNamed() throws Exception {
    sidecar.send(batch(1, rows("a")));
    Waiting first = next();
    sidecar.revoke("0_0", 7);
    sidecar.revoke("0_1", 1);
    assertFalse(first.context.isRevoked());
    first.gate.countDown();
    assertEquals(1, sidecar.result(0).getDone());
  }

  @Test
  @DisplayName("finishes the record at hand when it is stopped, and hands every batch back")
  void handsBackWhenStopped() throws Exception {
    sidecar.send(batch(1, rows("a", "b")));
    sidecar.send(batch(2, rows("c")));
    Waiting first = next();
    sidecar.session.stop();
    assertFalse(first.context.isRevoked(), "the record may finish");
    assertFalse(sidecar.isIdle());
    sidecar.send(batch(3, rows("d")));
    first.gate.countDown();
    sidecar.awaitIdle();
    assertEquals(List.of(2L, 3L, 1L), sidecar.handedBack());
    assertEquals(
        List.of("CREDIT", "HAND_BACK", "HAND_BACK", "HAND_BACK"),
        sidecar.frames().stream().map(frame -> frame.getFrameCase().name()).toList(),
        "first it asks for no more");
    assertEquals(0, sidecar.frames().get(0).getCredit().getBatches());
    assertTrue(waiting.isEmpty(), "no record was begun after the stop");
  }

  @Test
  @DisplayName("says no word about a batch that was revoked and then stopped")
  void stopAfterRevoke() throws Exception {
    sidecar.send(batch(1, rows("a")));
    Waiting first = next();
    sidecar.revoke("0_0", 1);
    sidecar.session.stop();
    first.gate.countDown();
    sidecar.awaitIdle();
    assertEquals(List.of(), sidecar.handedBack());
  }

  @Test
  @DisplayName("is idle at once when it is stopped with nothing in flight")
  void idleAtOnce() {
    sidecar.session.stop();
    assertTrue(sidecar.isIdle());
  }

  @Test
  @DisplayName("answers what it holds after a drain")
  void answersAfterDrain() throws Exception {
    sidecar.send(batch(1, rows("a")));
    Waiting first = next();
    sidecar.drain();
    first.gate.countDown();
    assertEquals(1, sidecar.result(0).getDone());
  }

  @Test
  @DisplayName("sends nothing once its stream is gone")
  void silentWhenClosed() throws Exception {
    sidecar.send(batch(1, rows("a", "b")));
    sidecar.send(batch(2, rows("c")));
    Waiting first = next();
    sidecar.session.close();
    assertTrue(first.context.isRevoked());
    first.gate.countDown();
    sidecar.settle();
    assertEquals(List.of(), sidecar.frames());
    assertTrue(waiting.isEmpty());
  }

  @Test
  @DisplayName("reports a reject with the sidecar's code and words")
  void reportsReject() {
    sidecar.reject("TOPOLOGY_INVALID", "no sink");
    var rejected = assertInstanceOf(OutriggerRejectedException.class, sidecar.failure());
    assertEquals("TOPOLOGY_INVALID", rejected.code());
    assertEquals("TOPOLOGY_INVALID: no sink", rejected.getMessage());
  }

  @Test
  @DisplayName("ignores frames that it does not know, and answers to questions that nobody asked")
  void ignoresUnknown() throws Exception {
    sidecar.receive(ProcessResponse.newBuilder());
    sidecar.answer(77, "x");
    sidecar.send(batch(1, rows("a")));
    assertEquals("a", go());
    assertEquals(1, sidecar.result(0).getDone());
  }

  @Test
  @DisplayName("gives up on a sidecar whose batches name what it never announced")
  void givesUpOnUnknownStage() throws Exception {
    sidecar.send(batch(1, rows("a")).setStage(7));
    var rejected = assertInstanceOf(OutriggerRejectedException.class, sidecar.awaitFailure());
    assertEquals("PROTOCOL_VIOLATION", rejected.code());
    assertTrue(rejected.getMessage().contains("stage 7"));
  }

  @Test
  @DisplayName("ends the run on an error that a process cannot go on after, and fails no record by it")
  void endsOnFatalErrors() throws Exception {
    try (FakeSidecar other = new FakeSidecar()) {
      OutOfMemoryError full = new OutOfMemoryError("told so");
      other
          .texts()
          .process(
              (record, context) -> {
                throw full;
              },
              Named.as("p"));
      other.welcome(stage("p"));
      other.send(batch(1, rows("a")));
      assertSame(full, other.awaitFailure());
      assertEquals(List.of(), other.frames());
    }
  }

  @Test
  @DisplayName("makes a processor for each task, and a new one when the task comes back")
  void oneProcessorForEachTask() throws Exception {
    try (FakeSidecar other = new FakeSidecar()) {
      AtomicInteger made = new AtomicInteger();
      ProcessorSupplier<String, String, String, String> supplier =
          () -> {
            String number = Integer.toString(made.incrementAndGet());
            return (record, context) -> context.forward(record.key(), number);
          };
      other
          .texts()
          .process(supplier, Named.as("p"))
          .to("topic-out", Produced.with(Serdes.utf8(), Serdes.utf8()).withName("out"));
      other.welcome(stage("p").addSinks("out"));
      other.send(batch(1, rows("a")));
      assertEquals(List.of("0: a=1"), outputsOf(other.result(0)));
      other.send(batch(2, rows("a")));
      assertEquals(List.of("0: a=1"), outputsOf(other.result(1)));
      other.send(batch(3, rows("b")).setTaskId("0_1"));
      assertEquals(List.of("0: b=2"), outputsOf(other.result(2)));
      other.revoke("0_0", 1);
      other.send(batch(4, rows("a")).setTaskEpoch(3));
      assertEquals(List.of("0: a=3"), outputsOf(other.result(3)));
    }
  }

  @Test
  @DisplayName("repeats the batch's three names in whatever it says of it")
  void repeatsNames() throws Exception {
    sidecar.send(batch(9, rows("a")).setTaskId("1_4").setTaskEpoch(6));
    go();
    var result = sidecar.result(0);
    assertEquals("1_4 6 9", result.getTaskId() + " " + result.getTaskEpoch() + " " + result.getDispatchId());
    Set<ProcessRequest.FrameCase> cases =
        sidecar.frames().stream().map(ProcessRequest::getFrameCase).collect(Collectors.toSet());
    assertEquals(Set.of(ProcessRequest.FrameCase.RESULT), cases);
  }
}
