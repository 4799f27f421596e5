package io.outrigger;

import static io.outrigger.FakeSidecar.batch;
import static io.outrigger.FakeSidecar.bytes;
import static io.outrigger.FakeSidecar.outputsOf;
import static io.outrigger.FakeSidecar.segment;
import static io.outrigger.FakeSidecar.stage;
import static io.outrigger.FakeSidecar.texts;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.StateColumns;
import io.outrigger.gen.v1.StateRequest;
import io.outrigger.gen.v1.StateResponse;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
@DisplayName("a key-value store")
class StoreTest {
  private static final KeyValueStoreDefinition<String, String> STORE =
      Stores.keyValueStore("store", Serdes.utf8(), Serdes.utf8());

  private final FakeSidecar sidecar = new FakeSidecar();

  StoreTest() {
    sidecar
        .source(Serdes.nullable(Serdes.utf8()), Serdes.utf8())
        .process(StoreTest::act, Named.as("p"), STORE)
        .to("out", Produced.with(Serdes.utf8(), Serdes.utf8()).withName("out"));
    sidecar.welcome(stage("p").addSinks("out").addStores("store"));
  }

  @AfterEach
  void close() {
    sidecar.close();
  }

  /** `put k v`, `del k`, `get k`, `range from to`, `reverse from to`: forwards what is found. */
  private static void act(Record<String, String> record, ProcessorContext<String, String> context) {
    KeyValueStore<String, String> store = context.getStateStore(STORE);
    String[] words = record.value().split(" ");
    switch (words[0]) {
      case "put" -> store.put(words[1], words[2]);
      case "del" -> store.delete(words[1]);
      case "null" -> store.put(words[1], null);
      case "fail" -> throw new IllegalStateException("told to");
      case "range", "reverse", "all" -> {
        StringBuilder found = new StringBuilder();
        try (KeyValueIterator<String, String> entries = entries(store, words)) {
          while (entries.hasNext()) {
            var entry = entries.next();
            found.append(entry.key()).append(entry.value());
          }
        }
        context.forward(words[0], found.toString());
        return;
      }
      default -> {}
    }
    String found = store.get(words[1]);
    context.forward(words[1], found == null ? "nothing" : found);
  }

  private static KeyValueIterator<String, String> entries(
      KeyValueStore<String, String> store, String[] words) {
    return switch (words[0]) {
      case "all" -> store.all();
      case "range" -> store.range(words[1], words[2]);
      default -> store.reverseRange(words[1], words[2]);
    };
  }

  private static StateColumns.Builder slots(Integer... slots) {
    return StateColumns.newBuilder()
        .addValues(bytes("0"))
        .addValues(ByteString.EMPTY)
        .addAbsent(1)
        .addAllSlots(List.of(slots));
  }

  @Test
  @DisplayName("has the batch's keys at hand, and shows each record what those before it wrote")
  void servesOwnKeys() throws Exception {
    sidecar.send(
        batch(1, segment("a", "get a", "a", "put a 1", "b", "get a", "b", "get b", "a", "del a"))
            .addStates(slots(0, 0, 1, 1, 0)));
    BatchResult result = sidecar.result(0);
    assertEquals(
        List.of("0: a=0", "1: a=1", "2: a=1", "3: b=nothing", "4: a=nothing"), outputsOf(result));
    assertEquals(1, sidecar.frames().size(), "nothing was asked for");
    var mutations = result.getMutations(0);
    assertEquals(List.of(0), mutations.getSlotsList());
    assertEquals(List.of(0), mutations.getDeletesList());
    assertEquals(List.of(""), texts(mutations.getValuesList()));
  }

  @Test
  @DisplayName("asks the sidecar for other keys, once each, and sends what was written to them by key")
  void asksForOthers() throws Exception {
    sidecar.send(
        batch(9, segment("a", "get x", "a", "get x", "a", "put x 7", "a", "get x", "a", "put a 2"))
            .addStates(slots(0, 0, 0, 0, 0)));
    StateRequest question = sidecar.question(0);
    assertEquals(List.of("x"), texts(question.getKeysList()));
    assertEquals("0_0", question.getTaskId());
    assertEquals(1, question.getTaskEpoch());
    assertEquals(9, question.getDispatchId());
    sidecar.answer(question.getRequestId(), "5");
    BatchResult result = sidecar.result(0);
    assertEquals(List.of("0: x=5", "1: x=5", "2: x=7", "3: x=7", "4: a=2"), outputsOf(result));
    var mutations = result.getMutations(0);
    assertEquals(List.of(0), mutations.getSlotsList(), "slots come first");
    assertEquals(List.of("x"), texts(mutations.getKeysList()));
    assertEquals(List.of("2", "7"), texts(mutations.getValuesList()));
  }

  @Test
  @DisplayName("asks for a row's key that has no slot, unless the batch has written it")
  void asksForKeysWithoutSlot() throws Exception {
    StateColumns.Builder noSlots = StateColumns.newBuilder().addAllSlotCounts(List.of(0, 0));
    sidecar.send(batch(1, segment("a", "get a", "b", "put b 1")).addStates(noSlots));
    StateRequest question = sidecar.question(0);
    assertEquals(List.of("a"), texts(question.getKeysList()));
    sidecar.answer(question.getRequestId(), null);
    BatchResult result = sidecar.result(0);
    assertEquals(List.of("0: a=nothing", "1: b=1"), outputsOf(result));
    assertEquals(List.of("b"), texts(result.getMutations(0).getKeysList()));
  }

  @Test
  @DisplayName("deletes by null, and names a key once however often it was written")
  void deletesByNull() throws Exception {
    sidecar.send(
        batch(1, segment("a", "put x 1", "a", "null x", "b", "put b 3"))
            .addStates(slots(0, 0, 1)));
    BatchResult result = sidecar.result(0);
    assertEquals(List.of("0: x=1", "1: x=nothing", "2: b=3"), outputsOf(result));
    var mutations = result.getMutations(0);
    assertEquals(List.of(1), mutations.getSlotsList());
    assertEquals(List.of("x"), texts(mutations.getKeysList()));
    assertEquals(List.of(1), mutations.getDeletesList());
  }

  @Test
  @DisplayName("takes back what a failed record wrote, by slot and by key")
  void takesBack() throws Exception {
    sidecar.send(
        batch(1, segment("a", "put a 1", "a", "put x 2", "a", "fail")).addStates(slots(0, 0, 0)));
    BatchResult result = sidecar.result(0);
    assertEquals(2, result.getDone());
    assertEquals(List.of("1", "2"), texts(result.getMutations(0).getValuesList()));
  }

  @Test
  @DisplayName("hands the batch back when the sidecar cannot say: that is no fault of the record")
  void handsBackOnError() throws Exception {
    sidecar.send(batch(9, segment("a", "get x")).addStates(slots(0)));
    int id = sidecar.question(0).getRequestId();
    sidecar.answer(StateResponse.newBuilder().setRequestId(id).setError("the task has left"));
    assertEquals(List.of(9L), sidecar.awaitHandedBack(1));
    assertFalse(sidecar.frames().stream().anyMatch(ProcessRequest::hasResult));
  }

  @Test
  @DisplayName("ends a wait for the sidecar when the batch is taken away, and says no word")
  void endsWaitsOnRevoke() throws Exception {
    sidecar.send(batch(9, segment("a", "get x")).addStates(slots(0)));
    sidecar.question(0);
    sidecar.revoke("0_0", 1);
    sidecar.settle();
    assertEquals(1, sidecar.frames().size(), "the question alone");
  }

  @Test
  @DisplayName("ends a wait for the sidecar when the stream is gone")
  void endsWaitsOnClose() throws Exception {
    sidecar.send(batch(9, segment("a", "get x")).addStates(slots(0)));
    sidecar.question(0);
    sidecar.session.close();
    sidecar.settle();
    assertEquals(1, sidecar.frames().size(), "the question alone");
  }

  @Test
  @DisplayName("still gets its answer while the worker stops, and hands the batch back then")
  void answersWhileStopping() throws Exception {
    sidecar.send(batch(9, segment("a", "get x")).addStates(slots(0)));
    int id = sidecar.question(0).getRequestId();
    sidecar.session.stop();
    assertFalse(sidecar.isIdle());
    sidecar.answer(id, "5");
    sidecar.awaitIdle();
    assertEquals(List.of(9L), sidecar.handedBack());
  }

  @Test
  @DisplayName("reads a range page by page, with what the batch has written in each question")
  void readsRanges() throws Exception {
    sidecar.send(
        batch(1, segment("a", "put a 1", "a", "range a c")).addStates(slots(0, 0)));
    StateRequest first = sidecar.question(0);
    assertEquals("a", first.getRange().getFrom().toStringUtf8());
    assertEquals("c\0", first.getRange().getTo().toStringUtf8(), "the last key is in the range");
    assertFalse(first.getRange().getReverse());
    assertEquals(List.of(0), first.getWritten().getSlotsList());
    assertEquals(List.of("1"), texts(first.getWritten().getValuesList()));
    sidecar.answer(page(first, true, "a", "1", "b", "2"));
    StateRequest second = sidecar.question(1);
    assertEquals("b\0", second.getRange().getFrom().toStringUtf8(), "from behind the last key");
    sidecar.answer(page(second, false, "c", "3"));
    assertEquals("1: range=a1b2c3", outputsOf(sidecar.result(0)).get(1));
  }

  @Test
  @DisplayName("reads a range backwards, up to the last key it got; an open end is unset")
  void readsBackwards() throws Exception {
    sidecar.send(batch(1, segment("a", "reverse a c", "a", "all")).addStates(slots(0, 0)));
    StateRequest first = sidecar.question(0);
    assertTrue(first.getRange().getReverse());
    assertFalse(first.hasWritten());
    sidecar.answer(page(first, true, "c", "3"));
    StateRequest second = sidecar.question(1);
    assertEquals("a", second.getRange().getFrom().toStringUtf8());
    assertEquals("c", second.getRange().getTo().toStringUtf8());
    sidecar.answer(page(second, false, "a", "1"));
    StateRequest all = sidecar.question(2);
    assertFalse(all.getRange().hasFrom());
    assertFalse(all.getRange().hasTo());
    sidecar.answer(page(all, false));
    assertEquals(List.of("0: reverse=c3a1", "1: all="), outputsOf(sidecar.result(0)));
  }

  private static StateResponse.Builder page(StateRequest request, boolean more, String... entries) {
    StateResponse.Builder page =
        StateResponse.newBuilder().setRequestId(request.getRequestId()).setMore(more);
    for (int index = 0; index < entries.length; index += 2) {
      page.addKeys(bytes(entries[index])).addValues(bytes(entries[index + 1]));
    }
    return page;
  }
}
