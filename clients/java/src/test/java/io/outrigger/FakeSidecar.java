package io.outrigger;

import static org.junit.jupiter.api.Assertions.fail;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.outrigger.gen.v1.Batch;
import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Drain;
import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.Reject;
import io.outrigger.gen.v1.Revoked;
import io.outrigger.gen.v1.Segment;
import io.outrigger.gen.v1.Source;
import io.outrigger.gen.v1.Stage;
import io.outrigger.gen.v1.StateRequest;
import io.outrigger.gen.v1.StateResponse;
import io.outrigger.gen.v1.Welcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/** Plays the sidecar's end of a session: sends frames, keeps what comes back. */
final class FakeSidecar implements Session.Host, AutoCloseable {
  private static final long TIMEOUT_MS = 10_000;

  final TopologyBuilder builder = new TopologyBuilder(SerdePair.of(Serdes.utf8(), Serdes.utf8()));
  final ExecutorService executor = TaskThreads.pool();
  final Session session = new Session(builder.nodes(), executor, this);
  private final List<ProcessRequest> frames = new ArrayList<>();
  private Throwable failure;
  private boolean isIdle;

  /** A topology with one source, named `in`. */
  <K, V> KStream<K, V> source(Serde<K> key, Serde<V> value) {
    SerdePair serdes = SerdePair.of(key, value);
    Node.Builder source = Node.newBuilder().setSource(Source.newBuilder().addTopics("topic"));
    String name = builder.add("in", source, List.of(), serdes).name;
    return KStreamNodes.of(builder, name, new StreamSerdes(key, value));
  }

  KStream<String, String> texts() {
    return source(Serdes.utf8(), Serdes.utf8());
  }

  @Override
  public synchronized void send(SentFrame frame) {
    try {
      frames.add(ProcessRequest.parseFrom(ByteString.copyFrom(frame.bytes(), frame.from(), frame.length())));
    } catch (InvalidProtocolBufferException error) {
      throw new AssertionError(error);
    }
    frame.release();
    notifyAll();
  }

  @Override
  public void welcomed(Welcome welcome) {}

  @Override
  public void rejected(OutriggerRejectedException error) {
    failed(error);
  }

  @Override
  public synchronized void failed(Throwable error) {
    failure = error;
    notifyAll();
  }

  @Override
  public synchronized void idle() {
    isIdle = true;
    notifyAll();
  }

  /** As a frame that comes over the wire. */
  void receive(ProcessResponse.Builder frame) {
    try {
      session.received(ReceivedFrame.read(frame.build().toByteArray()));
    } catch (InvalidProtocolBufferException error) {
      throw new AssertionError(error);
    }
  }

  static Stage.Builder stage(String entry) {
    return Stage.newBuilder().addEntries(entry);
  }

  void welcome(Stage.Builder stage) {
    welcome(stage, 0);
  }

  void welcome(Stage.Builder stage, int maxFrameBytes) {
    welcome(Welcome.newBuilder().addSources("topic").addStages(stage).setMaxFrameBytes(maxFrameBytes));
  }

  /** The same, to more than one stage. */
  void welcome(Welcome.Builder welcome) {
    welcome.setProtocolMinor(2).setApplicationId("app");
    receive(ProcessResponse.newBuilder().setWelcome(welcome));
  }

  static Batch.Builder batch(long dispatchId, Segment.Builder segment) {
    return Batch.newBuilder()
        .setTaskId("0_0")
        .setTaskEpoch(1)
        .setDispatchId(dispatchId)
        .addSegments(segment);
  }

  void send(Batch.Builder batch) {
    receive(ProcessResponse.newBuilder().setBatch(batch));
  }

  void revoke(String taskId, int epoch) {
    Revoked.Builder revoked = Revoked.newBuilder().setTaskId(taskId).setTaskEpoch(epoch);
    receive(ProcessResponse.newBuilder().setRevoked(revoked));
  }

  void reject(String code, String message) {
    Reject.Builder reject = Reject.newBuilder().setCode(code).setMessage(message);
    receive(ProcessResponse.newBuilder().setReject(reject));
  }

  void drain() {
    receive(ProcessResponse.newBuilder().setDrain(Drain.getDefaultInstance()));
  }

  void answer(StateResponse.Builder answer) {
    receive(ProcessResponse.newBuilder().setStateResponse(answer));
  }

  void answer(int requestId, String value) {
    StateResponse.Builder answer = StateResponse.newBuilder().setRequestId(requestId);
    answer.addValues(bytes(value == null ? "" : value));
    if (value == null) answer.addAbsent(0);
    answer(answer);
  }

  /** Waits until something of the session is so. */
  synchronized void until(BooleanSupplier isSo) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MS);
    while (!isSo.getAsBoolean()) {
      long leftMs = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (leftMs <= 0) fail("it did not come; frames: " + frames + ", failure: " + failure);
      wait(leftMs);
    }
  }

  synchronized List<ProcessRequest> frames() {
    return List.copyOf(frames);
  }

  synchronized Throwable failure() {
    return failure;
  }

  synchronized boolean isIdle() {
    return isIdle;
  }

  Throwable awaitFailure() throws InterruptedException {
    until(() -> failure != null);
    return failure();
  }

  void awaitIdle() throws InterruptedException {
    until(() -> isIdle);
  }

  BatchResult result(int index) throws InterruptedException {
    return await(index, frame -> frame.hasResult() ? frame.getResult() : null);
  }

  StateRequest question(int index) throws InterruptedException {
    return await(index, frame -> frame.hasStateRequest() ? frame.getStateRequest() : null);
  }

  List<Long> awaitHandedBack(int count) throws InterruptedException {
    await(count - 1, frame -> frame.hasHandBack() ? frame.getHandBack() : null);
    return handedBack();
  }

  List<Long> handedBack() {
    return frames().stream()
        .filter(ProcessRequest::hasHandBack)
        .map(frame -> frame.getHandBack().getDispatchId())
        .toList();
  }

  private <T> T await(int index, Function<ProcessRequest, T> kind) throws InterruptedException {
    until(() -> failure != null || all(kind).size() > index);
    List<T> found = all(kind);
    return found.size() > index ? found.get(index) : fail("none, for: " + failure());
  }

  private synchronized <T> List<T> all(Function<ProcessRequest, T> kind) {
    return frames.stream().map(kind).filter(Objects::nonNull).toList();
  }

  /** Waits until no batch is being worked on. */
  void settle() throws InterruptedException {
    executor.shutdown();
    if (!executor.awaitTermination(TIMEOUT_MS, TimeUnit.MILLISECONDS)) fail("handlers still run");
  }

  @Override
  public void close() {
    session.close();
    executor.shutdownNow();
  }

  static ByteString bytes(String text) {
    return ByteString.copyFromUtf8(text);
  }

  /** A segment of text records, of keys and values in turn; null is null. */
  static Segment.Builder segment(String... keysAndValues) {
    Segment.Builder segment = Segment.newBuilder().setBaseOffset(10).setBaseTimestamp(1_000);
    for (int index = 0; index < keysAndValues.length; index += 2) {
      String key = keysAndValues[index];
      String value = keysAndValues[index + 1];
      if (key == null) segment.addNullKeys(index / 2);
      if (value == null) segment.addNullValues(index / 2);
      segment.addKeys(bytes(key == null ? "" : key));
      segment.addValues(bytes(value == null ? "" : value));
    }
    return segment;
  }

  /** The outputs of a result as `row: key=value`. */
  static List<String> outputsOf(BatchResult result) {
    var outputs = result.getOutputs();
    List<String> texts = new ArrayList<>();
    for (int index = 0; index < outputs.getInputsCount(); index++) {
      boolean isNullKey = outputs.getNullKeysList().contains(index);
      boolean isNullValue = outputs.getNullValuesList().contains(index);
      String key = isNullKey ? "null" : outputs.getKeys(index).toStringUtf8();
      String value = isNullValue ? "null" : outputs.getValues(index).toStringUtf8();
      texts.add(outputs.getInputs(index) + ": " + key + "=" + value);
    }
    return texts;
  }

  static List<String> texts(List<ByteString> values) {
    return values.stream().map(ByteString::toStringUtf8).toList();
  }
}
