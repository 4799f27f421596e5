package io.outrigger;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import io.outrigger.gen.v1.Chunk;
import io.outrigger.gen.v1.Mutations;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.Welcome;
import java.util.function.Consumer;

/**
 * Frames above what the other side receives at once: cut into chunks on their way out, put together on
 * their way in (P-56, P-57). Of those that come in it holds the one that is not whole yet.
 */
final class Chunks {
  /** The largest frame that the sidecar may send, and the largest in chunks where it agrees. */
  static final int MAX_FRAME_BYTES = 4 * 1024 * 1024;

  static final int MAX_MESSAGE_BYTES = 1024 * 1024 * 1024;

  /** What the sidecar takes where it does not say. */
  private static final int MAX_FRAME_BYTES_DEFAULT = 4 * 1024 * 1024;

  /** What a frame takes besides its columns, and what a chunk's takes besides its data, at most. */
  private static final int RESULT_OVERHEAD_BYTES = 64 * 1024;

  private static final int CHUNK_OVERHEAD_BYTES = 16;

  private static final String REMEDY =
      "the sidecar takes %d: write less for each record, or raise server.max.message.bytes";

  /** Written as frames come in, read as they go out. */
  private volatile int frameBytesMax = MAX_FRAME_BYTES_DEFAULT;

  /** Of a frame that comes in chunks; 0 until the welcome has said so. */
  private int messageBytesMax;

  private ByteString pieces = ByteString.EMPTY;

  private static int frameBytesOf(Welcome welcome) {
    int bytes = welcome.getMaxFrameBytes();
    return bytes == 0 ? MAX_FRAME_BYTES_DEFAULT : bytes;
  }

  /** What a result, or a question, may hold: a frame goes whole, or in chunks. */
  static int columnsBytesMax(Welcome welcome) {
    return Math.max(frameBytesOf(welcome), welcome.getMaxMessageBytes()) - RESULT_OVERHEAD_BYTES;
  }

  /** Throws where a result has become larger than what the sidecar takes. */
  static void checkResult(int records, long bytes, long bytesMax) {
    if (bytes <= bytesMax) return;
    String text = "the results of %d records take %d bytes, " + REMEDY;
    throw new IllegalStateException(String.format(text, records, bytes, bytesMax));
  }

  /** Throws where a question carries more than the sidecar takes. */
  static void checkWritten(Mutations written, Welcome welcome) {
    long bytes = 0;
    for (ByteString value : written.getValuesList()) bytes += value.size();
    for (ByteString key : written.getKeysList()) bytes += key.size();
    if (bytes <= columnsBytesMax(welcome)) return;
    String text = "what was written before a range is read takes %d bytes, " + REMEDY;
    throw new IllegalStateException(String.format(text, bytes, columnsBytesMax(welcome)));
  }

  /** Sends what is to be written for a frame. */
  void outgoing(SentFrame frame, Consumer<SentFrame> send) {
    if (frame.length() <= frameBytesMax) {
      send.accept(frame);
      return;
    }
    int step = frameBytesMax - CHUNK_OVERHEAD_BYTES;
    for (int at = 0; at < frame.length(); at += step) {
      int length = Math.min(frame.length() - at, step);
      Chunk.Builder chunk = Chunk.newBuilder().setLast(at + length == frame.length());
      chunk.setData(UnsafeByteOperations.unsafeWrap(frame.bytes(), frame.from() + at, length));
      send.accept(SentFrame.of(ProcessRequest.newBuilder().setChunk(chunk).build()));
    }
    frame.release();
  }

  /** The frame that came, or that is whole now; null in the midst of one. Throws what ends the stream. */
  ReceivedFrame incoming(ReceivedFrame received) {
    ProcessResponse frame = received.message();
    if (frame != null && frame.hasChunk()) return take(frame.getChunk());
    if (!pieces.isEmpty() && (frame == null || !frame.hasReject())) {
      throw broken("another frame after %d bytes of one in chunks", pieces.size());
    }
    if (frame != null && frame.hasWelcome()) {
      frameBytesMax = frameBytesOf(frame.getWelcome());
      messageBytesMax = frame.getWelcome().getMaxMessageBytes();
    }
    return received;
  }

  private ReceivedFrame take(Chunk chunk) {
    int bytes = chunk.getData().size();
    long sum = (long) pieces.size() + bytes;
    if (bytes == 0 || sum > messageBytesMax) {
      String text = "%d bytes as a chunk, %d in all; %d were agreed on";
      throw broken(text, bytes, sum, messageBytesMax);
    }
    pieces = pieces.concat(chunk.getData());
    if (!chunk.getLast()) return null;
    byte[] whole = pieces.toByteArray();
    pieces = ByteString.EMPTY;
    ReceivedFrame frame = read(whole);
    if (frame.message() != null && frame.message().hasChunk()) throw broken("chunks of a chunk");
    return frame;
  }

  private static ReceivedFrame read(byte[] bytes) {
    try {
      return ReceivedFrame.read(bytes);
    } catch (InvalidProtocolBufferException error) {
      throw broken("chunks that are no frame: %s", error.getMessage());
    }
  }

  private static OutriggerRejectedException broken(String what, Object... values) {
    String text = "the sidecar sent " + String.format(what, values);
    return new OutriggerRejectedException("PROTOCOL_VIOLATION", text);
  }
}
