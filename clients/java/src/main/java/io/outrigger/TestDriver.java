package io.outrigger;

import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.outrigger.gen.v1.AdvanceStreamTimeRequest;
import io.outrigger.gen.v1.AdvanceStreamTimeResponse;
import io.outrigger.gen.v1.AdvanceWallClockRequest;
import io.outrigger.gen.v1.AdvanceWallClockResponse;
import io.outrigger.gen.v1.AwaitApplicationRequest;
import io.outrigger.gen.v1.AwaitApplicationResponse;
import io.outrigger.gen.v1.CreateTopicRequest;
import io.outrigger.gen.v1.CreateTopicResponse;
import io.outrigger.gen.v1.DescribeRequest;
import io.outrigger.gen.v1.DescribeResponse;
import io.outrigger.gen.v1.DriverHeader;
import io.outrigger.gen.v1.DriverRecord;
import io.outrigger.gen.v1.InjectFaultRequest;
import io.outrigger.gen.v1.InjectFaultResponse;
import io.outrigger.gen.v1.PipeInputRequest;
import io.outrigger.gen.v1.PipeInputResponse;
import io.outrigger.gen.v1.ReadOutputRequest;
import io.outrigger.gen.v1.ReadOutputResponse;
import io.outrigger.gen.v1.ReadStoreResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Runs an application in its unit tests on the sidecar's own kernel, without a broker. The clock stands
 * still until it is told to move.
 *
 * <pre>{@code
 * try (TestDriver driver = TestDriver.of(app).start()) {
 *   driver.pipe("flights", Serdes.String(), Serdes.String(), TestRecord.of("BER", "LH1"));
 *   var departures = driver.read("departures", Serdes.String(), Serdes.Long());
 * }
 * }</pre>
 */
public final class TestDriver implements AutoCloseable {
  /** What goes wrong with the next commit that has records, once. */
  public enum Fault {
    /** It is refused, aborted and tried again. */
    COMMIT_FAILED(io.outrigger.gen.v1.Fault.FAULT_COMMIT_FAILED),
    /** It comes too late: the partitions are taken over again, and the records go out again. */
    REDELIVER(io.outrigger.gen.v1.Fault.FAULT_REDELIVER),
    /** It takes effect, and its answer is lost. */
    UNKNOWN_OUTCOME(io.outrigger.gen.v1.Fault.FAULT_UNKNOWN_OUTCOME);

    private final io.outrigger.gen.v1.Fault wire;

    Fault(io.outrigger.gen.v1.Fault wire) {
      this.wire = wire;
    }
  }

  /**
   * How the application stands when nothing is left to do without time passing.
   *
   * @param committed every record is done with
   * @param waiting how a record failed that is tried again when the clock has moved; else empty
   */
  public record Settled(boolean committed, String waiting) {}

  private static final String SERVICE = "outrigger.v1.TestDriverService";
  private static final Metadata.Key<String> TOKEN =
      Metadata.Key.of("outrigger-token", Metadata.ASCII_STRING_MARSHALLER);

  private final DriverProcess process;
  private final Outrigger application;
  private final ManagedChannel channel;
  private final int timeoutMs;

  TestDriver(TestDriverBuilder options) {
    application = options.application;
    timeoutMs = Math.toIntExact(options.timeout.toMillis());
    process = DriverProcess.start(options.command, options.arguments());
    channel = new Channels(SidecarAddress.parse(process.address)).open();
    try {
      options.topics.forEach(this::createTopic);
      application.startAt(process.address, process.token);
      awaitApplication();
    } catch (RuntimeException | Error error) {
      close();
      throw error;
    }
  }

  /**
   * Begins a driver for an application that was not started.
   *
   * @param application the application
   * @return the builder
   */
  public static TestDriverBuilder of(Outrigger application) {
    return new TestDriverBuilder(application);
  }

  /**
   * Appends records to a topic, and returns when nothing is left to do without time passing.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param topic the topic
   * @param key writes the keys; a null key stays null
   * @param value writes the values
   * @param records the records
   * @return how the application stands
   * @throws TestDriverException where a task has stopped at a record
   */
  @SafeVarargs
  public final <K, V> Settled pipe(
      String topic, Serde<K> key, Serde<V> value, TestRecord<K, V>... records) {
    var request = PipeInputRequest.newBuilder().setTopic(topic).setTimeoutMs(timeoutMs);
    for (TestRecord<K, V> record : records) request.addRecords(written(record, key, value));
    var answer = call("PipeInput", request.build(), PipeInputResponse.parser());
    return settled(answer.getSettled());
  }

  /**
   * The committed records of a topic that were not read yet, in the order they were written; dead letters
   * are records of their topic.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param topic the topic
   * @param key reads the keys
   * @param value reads the values
   * @return the records
   */
  public <K, V> List<TestRecord<K, V>> read(String topic, Serde<K> key, Serde<V> value) {
    List<TestRecord<K, V>> found = new ArrayList<>();
    ReadOutputResponse page;
    do {
      var request = ReadOutputRequest.newBuilder().setTopic(topic).build();
      page = call("ReadOutput", request, ReadOutputResponse.parser());
      for (DriverRecord record : page.getRecordsList()) found.add(readRecord(record, key, value));
    } while (page.getMore());
    return found;
  }

  /**
   * Moves the clock: back-offs, processing.timeout.ms and the like see that much time pass.
   *
   * @param by how far
   * @return how the application stands
   * @throws TestDriverException where a task has stopped at a record
   */
  public Settled advanceWallClock(Duration by) {
    var request =
        AdvanceWallClockRequest.newBuilder().setMs(by.toMillis()).setTimeoutMs(timeoutMs).build();
    var answer = call("AdvanceWallClock", request, AdvanceWallClockResponse.parser());
    return settled(answer.getSettled());
  }

  /**
   * Moves the stream time of every task to a timestamp, as a record of it would, but without one:
   * windows whose grace it passes take nothing more. It never goes back.
   *
   * @param timestamp in ms since the epoch
   * @return how the application stands
   * @throws TestDriverException while records that were piped are not done with
   */
  public Settled advanceStreamTime(long timestamp) {
    var request =
        AdvanceStreamTimeRequest.newBuilder()
            .setTimestamp(timestamp)
            .setTimeoutMs(timeoutMs)
            .build();
    var answer = call("AdvanceStreamTime", request, AdvanceStreamTimeResponse.parser());
    return settled(answer.getSettled());
  }

  /**
   * The driver's clock.
   *
   * @return the time
   */
  public Instant wallClock() {
    var answer = call("Describe", DescribeRequest.getDefaultInstance(), DescribeResponse.parser());
    return Instant.ofEpochMilli(answer.getWallClockMs());
  }

  /**
   * Makes the next commit that has records go wrong, once.
   *
   * @param fault how
   */
  public void inject(Fault fault) {
    var request = InjectFaultRequest.newBuilder().setFault(fault.wire).build();
    call("InjectFault", request, InjectFaultResponse.parser());
  }

  /**
   * A store of the topology.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param name the store's name
   * @param key reads and writes the keys
   * @param value reads the values
   * @return the store, as it is committed whenever it is read
   */
  public <K, V> TestStore<K, V> store(String name, Serde<K> key, Serde<V> value) {
    return new TestStore<>(
        key,
        value,
        asked ->
            call("ReadStore", asked.setStore(name).build(), ReadStoreResponse.parser())
                .getEntriesList());
  }

  /** Stops the application and the driver. */
  @Override
  public void close() {
    application.stop();
    // A handler that hangs would not let it stop: the sidecar goes all the same.
    application.terminated().handle((done, error) -> done).completeOnTimeout(null, 1, SECONDS).join();
    channel.shutdownNow();
    process.stop();
  }

  private void createTopic(String name, int partitions) {
    var request = CreateTopicRequest.newBuilder().setName(name).setPartitions(partitions).build();
    call("CreateTopic", request, CreateTopicResponse.parser());
  }

  /** Waits for the application, or for its end. */
  private void awaitApplication() {
    var request = AwaitApplicationRequest.newBuilder().setTimeoutMs(timeoutMs).build();
    var ready = start("AwaitApplication", request, AwaitApplicationResponse.parser());
    application.terminated().whenComplete((done, error) -> ready.completeExceptionally(
        error == null ? new IllegalStateException("the application has ended") : error));
    settled(result(ready).getSettled());
  }

  private <A extends MessageLite> A call(String name, MessageLite request, Parser<A> answer) {
    return result(start(name, request, answer));
  }

  private static <A> A result(CompletableFuture<A> call) {
    try {
      return call.get();
    } catch (ExecutionException error) {
      throw Failures.unchecked(error.getCause());
    } catch (InterruptedException interrupt) {
      Thread.currentThread().interrupt();
      throw new TestDriverException("interrupted while the driver was called", interrupt);
    }
  }

  private <A extends MessageLite> CompletableFuture<A> start(
      String name, MessageLite request, Parser<A> parser) {
    var method =
        MethodDescriptor.<MessageLite, A>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
            // Requests are written, never read, here.
            .setRequestMarshaller(FrameMarshaller.<MessageLite>of(null))
            .setResponseMarshaller(FrameMarshaller.of(parser))
            .build();
    var answer = new CompletableFuture<A>();
    ClientCall<MessageLite, A> call = channel.newCall(method, CallOptions.DEFAULT);
    Metadata metadata = new Metadata();
    if (!process.token.isEmpty()) metadata.put(TOKEN, process.token);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(A message) {
            answer.complete(message);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            answer.completeExceptionally(
                new TestDriverException(status.getDescription(), status.asRuntimeException()));
          }
        },
        metadata);
    call.sendMessage(request);
    call.halfClose();
    call.request(2);
    return answer;
  }

  private static Settled settled(io.outrigger.gen.v1.Settled settled) {
    if (settled.getStoppedCount() > 0) {
      throw new TestDriverException(String.join("; ", settled.getStoppedList()), null);
    }
    return new Settled(settled.getCommitted(), settled.getWaiting());
  }

  private static <K, V> DriverRecord.Builder written(
      TestRecord<K, V> record, Serde<K> keySerde, Serde<V> valueSerde) {
    var written = DriverRecord.newBuilder();
    byte[] key = record.key() == null ? null : keySerde.serialize(record.key());
    byte[] value = valueSerde.serialize(record.value());
    if (key != null) written.setKey(ByteString.copyFrom(key));
    if (value != null) written.setValue(ByteString.copyFrom(value));
    if (record.timestamp() != null) written.setTimestamp(record.timestamp());
    if (record.partition() != null) written.setPartition(record.partition());
    for (Header header : record.headers()) {
      var added = DriverHeader.newBuilder().setKey(header.key());
      if (header.value() != null) added.setValue(ByteString.copyFrom(header.value()));
      written.addHeaders(added);
    }
    return written;
  }

  private static <K, V> TestRecord<K, V> readRecord(
      DriverRecord record, Serde<K> key, Serde<V> value) {
    List<Header> headers = new ArrayList<>();
    for (DriverHeader header : record.getHeadersList()) {
      byte[] bytes = header.hasValue() ? header.getValue().toByteArray() : null;
      headers.add(new Header(header.getKey(), bytes));
    }
    return new TestRecord<>(
        key.deserialize(record.hasKey() ? record.getKey().toByteArray() : null),
        value.deserialize(record.hasValue() ? record.getValue().toByteArray() : null),
        record.getTimestamp(),
        headers,
        record.getPartition(),
        record.getOffset());
  }
}
