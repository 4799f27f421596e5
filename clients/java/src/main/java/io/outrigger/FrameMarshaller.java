package io.outrigger;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Frames as gRPC carries them. */
record FrameMarshaller<T extends MessageLite>(Parser<T> parser)
    implements MethodDescriptor.Marshaller<T> {

  @Override
  public InputStream stream(T frame) {
    return new ByteArrayInputStream(frame.toByteArray());
  }

  @Override
  public T parse(InputStream stream) {
    try {
      // Of one array, so that the columns' elements can share it. gRPC has bounded its size.
      CodedInputStream input =
          UnsafeByteOperations.unsafeWrap(stream.readAllBytes()).newCodedInput();
      input.enableAliasing(true);
      return parser.parseFrom(input);
    } catch (IOException error) {
      throw Status.INTERNAL
          .withDescription("the sidecar sent a frame that cannot be read: " + error.getMessage())
          .withCause(error)
          .asRuntimeException();
    }
  }
}
