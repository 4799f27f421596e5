package io.outrigger;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Function;

/** Frames as gRPC carries them. */
final class FrameMarshaller<T> implements Marshaller<T> {
  /** Of the application's stream. */
  static final Marshaller<SentFrame> SENT = new FrameMarshaller<>(SentFrame::stream, null);

  static final Marshaller<ReceivedFrame> RECEIVED = new FrameMarshaller<>(null, ReceivedFrame::read);

  /** Reads a frame of all of an array. */
  @FunctionalInterface
  private interface Reads<T> {
    T read(byte[] bytes) throws IOException;
  }

  private final Function<T, InputStream> writes;
  private final Reads<T> reads;

  private FrameMarshaller(Function<T, InputStream> writes, Reads<T> reads) {
    this.writes = writes;
    this.reads = reads;
  }

  /** Of messages by the generated code. */
  static <T extends MessageLite> Marshaller<T> of(Parser<T> parser) {
    return new FrameMarshaller<>(
        message -> new ByteArrayInputStream(message.toByteArray()),
        bytes -> {
          // Of one array, so that the columns' elements can share it. gRPC has bounded its size.
          CodedInputStream input = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
          input.enableAliasing(true);
          return parser.parseFrom(input);
        });
  }

  @Override
  public InputStream stream(T frame) {
    return writes.apply(frame);
  }

  @Override
  public T parse(InputStream stream) {
    try {
      return reads.read(allOf(stream));
    } catch (IOException error) {
      throw Status.INTERNAL
          .withDescription("the sidecar sent a frame that cannot be read: " + error.getMessage())
          .withCause(error)
          .asRuntimeException();
    }
  }

  /** Of a stream that says how long it is, in one piece: without pieces that are put together. */
  private static byte[] allOf(InputStream stream) throws IOException {
    if (!(stream instanceof KnownLength)) return stream.readAllBytes();
    byte[] bytes = new byte[stream.available()];
    if (stream.readNBytes(bytes, 0, bytes.length) == bytes.length) return bytes;
    throw new EOFException("it ends before its " + bytes.length + " bytes do");
  }
}
