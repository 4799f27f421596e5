package io.outrigger;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.outrigger.gen.v1.ProcessRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A frame for the sidecar, as its bytes.
 *
 * @param lent whose the bytes are until the frame was sent; null where they are its own
 */
record SentFrame(byte[] bytes, int from, int length, ResultFrame lent) {
  static SentFrame of(ProcessRequest message) {
    byte[] bytes = message.toByteArray();
    return new SentFrame(bytes, 0, bytes.length, null);
  }

  /** Nobody needs the bytes any more. */
  void release() {
    if (lent != null) lent.release();
  }

  /** What gRPC takes the bytes from, at once or when the stream is open, and closes then. */
  InputStream stream() {
    return new Stream(this);
  }

  private static final class Stream extends ByteArrayInputStream implements KnownLength, Drainable {
    private SentFrame frame;

    Stream(SentFrame frame) {
      super(frame.bytes, frame.from, frame.length);
      this.frame = frame;
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
      int length = count - pos;
      target.write(buf, pos, length);
      pos = count;
      return length;
    }

    @Override
    public void close() {
      if (frame != null) frame.release();
      frame = null;
    }
  }
}
