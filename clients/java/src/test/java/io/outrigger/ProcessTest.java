package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.bytes;
import static io.outrigger.FakeSidecar.outputsOf;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static io.outrigger.FakeSidecar.texts;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.RowHeaders;
import io.outrigger.gen.v1.StateColumns;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("process and its kin")
class ProcessTest {
  private static final KeyValueStoreDefinition<String, String> COUNTS =
      Stores.keyValueStore("counts", Serdes.utf8(), Serdes.utf8());
  private static final Produced<String, String> OUT =
      Produced.with(Serdes.utf8(), Serdes.utf8()).withName("out");

  private final FakeSidecar sidecar = new FakeSidecar();

  @AfterEach
  void close() {
    sidecar.close();
  }

  /** Runs one batch through a processor. */
  private BatchResult run(
      Processor<String, String, String, String> processor, String... keysAndValues)
      throws InterruptedException {
    sidecar.texts().process(processor, Named.as("p")).to("topic-out", OUT);
    sidecar.welcome(stage("p").addSinks("out"));
    sidecar.send(batch(1, segment(keysAndValues)));
    return sidecar.result(0);
  }

  @Test
  @DisplayName("get each record with its place, time, headers and idempotency key, in order")
  void seesRecords() throws Exception {
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    sidecar
        .source(Serdes.nullable(Serdes.utf8()), Serdes.nullable(Serdes.utf8()))
        .process(
            (record, context) ->
                seen.add(
                    record.key() + " " + record.value() + " " + record.timestamp() + " "
                        + record.headers().size() + " " + record.topic() + " " + record.partition()
                        + " " + record.offset() + " " + record.idempotencyKey()),
            Named.as("p"));
    sidecar.welcome(stage("p"));
    RowHeaders.Builder headers = RowHeaders.newBuilder().setRow(1);
    headers.addHeadersBuilder().setKey("h").setValue(bytes("x"));
    headers.addHeadersBuilder().setKey("h");
    sidecar.send(
        batch(
            4,
            segment("a", "1", null, "", "c", null)
                .setPartition(3)
                .addAllOffsetDeltas(List.of(0, 5, 9))
                .addAllTimestampDeltas(List.of(0, -1, 7))
                .addHeaders(headers)));
    BatchResult result = sidecar.result(0);
    assertEquals(3, result.getDone());
    assertEquals(4, result.getDispatchId());
    assertFalse(result.hasFailure());
    assertEquals(
        List.of(
            "a 1 1000 0 topic 3 10 app/topic-3@10",
            "null  999 2 topic 3 15 app/topic-3@15",
            "c null 1007 0 topic 3 19 app/topic-3@19"),
        seen);
  }

  @Test
  @DisplayName("forward any number of records, which take their input's time and headers")
  void forwards() throws Exception {
    BatchResult result =
        run(
            (record, context) -> {
              context.forward(record.key(), "one");
              if (record.key().equals("b")) context.forward(record.withValue("two"));
            },
            "a", "1", "b", "2");
    assertEquals(List.of("0: a=one", "1: b=one", "1: b=two"), outputsOf(result));
    assertEquals(0, result.getOutputs().getTimestampsCount());
    assertEquals(0, result.getOutputs().getHeadersCount());
    assertEquals(0, result.getOutputs().getSinksCount());
  }

  @Test
  @DisplayName("keep a time and headers of their own through the nodes behind")
  void keepsOwnTimeAndHeaders() throws Exception {
    sidecar
        .texts()
        .<String, String>process(
            (record, context) -> {
              if (record.key().equals("a")) context.forward(record);
              else if (record.key().equals("b")) {
                context.forward(
                    record.withTimestamp(5).withHeaders(List.of(new Header("h", null))));
              } else {
                context.forward(new Record<>(record.key(), "new", 6));
              }
            },
            Named.as("p"))
        .mapValues(value -> value + "!")
        .to("topic-out", OUT);
    sidecar.welcome(stage("p").addSinks("out"));
    RowHeaders.Builder headers = RowHeaders.newBuilder().setRow(1);
    headers.addHeadersBuilder().setKey("input's").setValue(bytes("x"));
    RowHeaders.Builder third = RowHeaders.newBuilder().setRow(2).addAllHeaders(headers.getHeadersList());
    sidecar.send(
        batch(1, segment("a", "1", "b", "2", "c", "3").addHeaders(headers).addHeaders(third)));
    var outputs = sidecar.result(0).getOutputs();
    assertEquals(List.of(1000L, 5L, 6L), outputs.getTimestampsList());
    assertEquals(2, outputs.getHeadersCount());
    assertEquals(1, outputs.getHeaders(0).getRow());
    assertEquals("h", outputs.getHeaders(0).getHeaders(0).getKey());
    assertFalse(outputs.getHeaders(0).getHeaders(0).hasValue());
    assertEquals(2, outputs.getHeaders(1).getRow());
    assertEquals(0, outputs.getHeaders(1).getHeadersCount(), "none is not the same as inherited");
  }

  @Test
  @DisplayName("go depth first, in the order of declaration, and say which sink an output goes to")
  void namesSinks() throws Exception {
    var stream = sidecar.texts().filter((key, value) -> !value.equals("no"), Named.as("p"));
    stream.to("left", Produced.with(Serdes.utf8(), Serdes.utf8()).withName("l"));
    stream
        .mapValues((key, value) -> key + value)
        .map((key, value) -> KeyValue.pair(value, key))
        .to("right", Produced.with(Serdes.utf8(), Serdes.utf8()).withName("r"));
    sidecar.welcome(stage("p").addSinks("r").addSinks("l"));
    sidecar.send(batch(1, segment("a", "1", "b", "no", "c", "2")));
    BatchResult result = sidecar.result(0);
    assertEquals(List.of("0: a=1", "0: a1=a", "2: c=2", "2: c2=c"), outputsOf(result));
    assertEquals(List.of(1, 0, 1, 0), result.getOutputs().getSinksList());
  }

  @Test
  @DisplayName("leave nothing of a record that throws, and everything of those before it")
  void rollsBack() throws Exception {
    sidecar
        .texts()
        .<String, String>process(
            (record, context) -> {
              KeyValueStore<String, String> store = context.getStateStore(COUNTS);
              store.put("a", store.get("a") + record.value());
              store.put("other", record.value());
              store.put("a", store.get("a") + "'");
              context.forward(record.key(), record.value());
              if (record.value().equals("bad")) throw new IllegalStateException("no good");
            },
            Named.as("p"),
            COUNTS)
        .to("topic-out", OUT);
    sidecar.welcome(stage("p").addSinks("out").addStores("counts"));
    StateColumns.Builder state =
        StateColumns.newBuilder().addValues(bytes("0")).addAllSlots(List.of(0, 0, 0));
    sidecar.send(batch(1, segment("a", "1", "a", "bad", "a", "3")).addStates(state));
    BatchResult result = sidecar.result(0);
    assertEquals(1, result.getDone());
    assertEquals("java.lang.IllegalStateException", result.getFailure().getType());
    assertEquals("no good", result.getFailure().getMessage());
    assertTrue(result.getFailure().getStack().contains("ProcessTest"));
    assertEquals(List.of("0: a=1"), outputsOf(result));
    var mutations = result.getMutations(0);
    assertEquals(List.of(0), mutations.getSlotsList());
    assertEquals(List.of("other"), texts(mutations.getKeysList()));
    assertEquals(List.of("01'", "1"), texts(mutations.getValuesList()));
  }

  @Test
  @DisplayName("fail the record when a handler further down fails, even where the one above catches it")
  void failsDespiteCatch() throws Exception {
    sidecar
        .texts()
        .<String, String>process(
            (record, context) -> {
              assertThrows(java.io.IOException.class, () -> context.forward(record));
            },
            Named.as("p"))
        .<String, String>process(
            (record, context) -> {
              context.forward(record);
              throw new java.io.IOException("further down");
            })
        .to("topic-out", OUT);
    sidecar.welcome(stage("p").addSinks("out"));
    sidecar.send(batch(1, segment("a", "")));
    BatchResult result = sidecar.result(0);
    assertEquals("further down", result.getFailure().getMessage());
    assertEquals(List.of(), outputsOf(result));
  }

  @Test
  @DisplayName("refuse what comes after the record is done")
  void refusesLateUse() throws Exception {
    AtomicReference<Runnable> late = new AtomicReference<>();
    sidecar
        .texts()
        .process(
            (record, context) -> {
              var store = context.getStateStore(COUNTS);
              late.set(() -> store.put(record.key(), "late"));
            },
            Named.as("p"),
            COUNTS);
    sidecar.welcome(stage("p").addStores("counts"));
    sidecar.send(batch(1, segment("a", "")).addStates(StateColumns.newBuilder().addValues(bytes(""))));
    sidecar.result(0);
    var refused = assertThrows(IllegalStateException.class, () -> late.get().run());
    assertTrue(refused.getMessage().contains("after the record was done"));
  }

  @Test
  @DisplayName("fail a record that cannot be read, saying which and why")
  void failsUnreadable() throws Exception {
    BatchResult result = run((record, context) -> {}, "a", null);
    String message = result.getFailure().getMessage();
    assertTrue(
        message.startsWith("the value of app/topic-0@10 cannot be read: it is null"), message);
    assertTrue(message.contains("Serdes.nullable(Serdes.utf8())"), message);
  }

  @Test
  @DisplayName("fail a record that cannot be written, saying which and why")
  void failsUnwritable() throws Exception {
    BatchResult result = run((record, context) -> context.forward("k", null), "a", "b");
    String message = result.getFailure().getMessage();
    assertTrue(
        message.startsWith("the value for the sink \"out\" from app/topic-0@10 cannot be written"),
        message);
  }

  @Test
  @DisplayName("fail the record with which a result would outgrow a frame, and answer those before")
  void failsAboveFrame() throws Exception {
    sidecar.texts().mapValues(value -> "x".repeat(50_000), Named.as("p")).to("topic-out", OUT);
    sidecar.welcome(stage("p").addSinks("out"), 200 * 1024);
    sidecar.send(batch(1, segment("k", "v", "k", "v", "k", "v", "k", "v")));
    BatchResult result = sidecar.result(0);
    assertEquals(2, result.getDone());
    assertEquals(2, result.getOutputs().getValuesCount());
    assertTrue(result.getFailure().getMessage().contains("bytes, the sidecar takes 139264"));
  }

  @Test
  @DisplayName("cut what a failure says to 4 KiB each, between characters")
  void cutsFailures() throws Exception {
    BatchResult result =
        run(
            (record, context) -> {
              throw new IllegalStateException("ä€".repeat(4_000));
            },
            "a", "");
    String message = result.getFailure().getMessage();
    assertEquals(4_095, message.getBytes(StandardCharsets.UTF_8).length);
    assertTrue(message.endsWith("€"), "no half of a character");
    int stackBytes = result.getFailure().getStack().getBytes(StandardCharsets.UTF_8).length;
    assertTrue(stackBytes <= 4_096, "the stack has " + stackBytes);
  }

  @Test
  @DisplayName("take a stack overflow and an assertion for the record's failure")
  void failsOnStackOverflow() throws Exception {
    BatchResult result =
        run(
            (record, context) -> {
              throw record.key().equals("a") ? new StackOverflowError() : new AssertionError("no");
            },
            "a", "");
    assertEquals("java.lang.StackOverflowError", result.getFailure().getType());
  }

  @Test
  @DisplayName("copy what a handler gives, so that it may write into its buffer again")
  void copiesBytes() throws Exception {
    byte[] buffer = new byte[1];
    sidecar
        .texts()
        .<byte[], byte[]>process(
            (record, context) -> {
              buffer[0] = (byte) record.value().charAt(0);
              context.forward(buffer, buffer);
            },
            Named.as("p"))
        .to("topic-out", Produced.with(Serdes.ByteArray(), Serdes.ByteArray()).withName("out"));
    sidecar.welcome(stage("p").addSinks("out"));
    sidecar.send(batch(1, segment("a", "1", "b", "2")));
    assertEquals(List.of("0: 1=1", "1: 2=2"), outputsOf(sidecar.result(0)));
  }

  @Test
  @DisplayName("are refused a store that they did not name")
  void refusesForeignStore() throws Exception {
    BatchResult result = run((record, context) -> context.getStateStore(COUNTS), "a", "");
    assertTrue(result.getFailure().getMessage().contains("name it in process"));
  }

  @Test
  @DisplayName("count the rows of a batch over all its segments")
  void countsOverSegments() throws Exception {
    sidecar.texts().mapValues(value -> value, Named.as("p")).to("topic-out", OUT);
    sidecar.welcome(stage("p").addSinks("out"));
    sidecar.send(
        batch(1, segment("a", "1", "b", "2")).addSegments(segment("c", "3").setBaseOffset(99)));
    BatchResult result = sidecar.result(0);
    assertEquals(List.of("0: a=1", "1: b=2", "2: c=3"), outputsOf(result));
    assertEquals(3, result.getDone());
  }
}
