package io.outrigger;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One stream to a sidecar, on a channel of its own: a shared channel would stand still in a back-off
 * of its own, which grows to minutes while a sidecar is away.
 */
final class Connection {
  /**
   * How a stream ended.
   *
   * @param fatal set where connecting again would end the same way, else null
   */
  record Ended(String reason, OutriggerRejectedException fatal) {}

  /** How long a sidecar may take to end a stream that we have half-closed. */
  private static final int END_TIMEOUT_MS = 2_000;

  private static final Metadata.Key<String> TOKEN =
      Metadata.Key.of("outrigger-token", Metadata.ASCII_STRING_MARSHALLER);

  private static final MethodDescriptor<SentFrame, ReceivedFrame> PROCESS =
      MethodDescriptor.<SentFrame, ReceivedFrame>newBuilder()
          .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
          .setFullMethodName("outrigger.v1.ProcessorService/Process")
          .setRequestMarshaller(FrameMarshaller.SENT)
          .setResponseMarshaller(FrameMarshaller.RECEIVED)
          .build();

  private final ManagedChannel channel;
  private final ClientCall<SentFrame, ReceivedFrame> call;
  private final Chunks chunks = new Chunks();
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private boolean isOver;

  Connection(ManagedChannel channel) {
    this.channel = channel;
    this.call = channel.newCall(PROCESS, CallOptions.DEFAULT);
  }

  /** Opens the stream. Frames come one after the other, on a thread that must not be held up. */
  void start(String token, Consumer<ReceivedFrame> received) {
    Metadata headers = new Metadata();
    if (token != null && !token.isEmpty()) headers.put(TOKEN, token);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(ReceivedFrame frame) {
            // What this throws ends the stream, and is its cause.
            ReceivedFrame whole = chunks.incoming(frame);
            if (whole != null) received.accept(whole);
            call.request(1);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            over(endOf(status));
          }
        },
        headers);
    call.request(1);
  }

  /**
   * Sends a frame, one at a time. What gRPC has not written yet is bounded by the credit: there is one
   * answer for each batch held, and a handler has one question at most.
   */
  synchronized void send(SentFrame frame) {
    if (isOver) frame.release();
    else chunks.outgoing(frame, call::sendMessage);
  }

  /** Half-closes after what was sent; the sidecar then ends the stream, or we do. */
  synchronized void end() {
    if (isOver) return;
    isOver = true;
    call.halfClose();
    Executor later = CompletableFuture.delayedExecutor(END_TIMEOUT_MS, TimeUnit.MILLISECONDS);
    later.execute(
        () -> {
          // Once it has ended, the channel's threads have ended too, and would refuse this loudly.
          if (!ended.isDone()) call.cancel("the sidecar did not end the stream", null);
        });
  }

  /** Ends at once. */
  synchronized void cancel(String reason) {
    isOver = true;
    call.cancel(reason, null);
  }

  /** Completes when the stream has ended; never fails. */
  CompletableFuture<Ended> ended() {
    return ended;
  }

  private void over(Ended end) {
    synchronized (this) {
      isOver = true;
    }
    channel.shutdownNow();
    ended.complete(end);
  }

  private static Ended endOf(Status status) {
    String reason = reasonOf(status);
    if (status.getCause() instanceof OutriggerRejectedException broken) {
      return new Ended(reason, broken);
    }
    return switch (status.getCode()) {
      case OK -> new Ended("the sidecar closed the stream", null);
      case UNAUTHENTICATED ->
          new Ended(reason, new OutriggerRejectedException("UNAUTHENTICATED", reason));
      case UNIMPLEMENTED -> {
        String text = "what answers at this address is no sidecar of this protocol (" + reason + ")";
        yield new Ended(reason, new OutriggerRejectedException("PROTOCOL_VERSION", text));
      }
      default -> new Ended(reason, null);
    };
  }

  /** gRPC says no more than "io exception" where the socket's own words are in the cause. */
  private static String reasonOf(Status status) {
    String reason = status.getDescription();
    if (reason == null) reason = status.getCode().name();
    Throwable cause = status.getCause();
    return cause == null || cause.getMessage() == null ? reason : reason + ": " + cause.getMessage();
  }
}
