package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.Batch;
import io.outrigger.gen.v1.Chunk;
import io.outrigger.gen.v1.Drain;
import io.outrigger.gen.v1.Log;
import io.outrigger.gen.v1.Mutations;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.Reject;
import io.outrigger.gen.v1.Segment;
import io.outrigger.gen.v1.Welcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("frames above what the other side receives at once")
class ChunksTest {
  private static final int MIB = 1024 * 1024;
  private static final Welcome WELCOME =
      Welcome.newBuilder().setMaxFrameBytes(MIB).setMaxMessageBytes(8 * MIB).build();

  private final Chunks chunks = new Chunks();

  private Chunks agreed() {
    ReceivedFrame welcome = frame(ProcessResponse.newBuilder().setWelcome(WELCOME));
    assertSame(welcome, chunks.incoming(welcome));
    return chunks;
  }

  private static ReceivedFrame frame(ProcessResponse.Builder message) {
    return new ReceivedFrame(message.build(), null);
  }

  private static ReceivedFrame chunk(ByteString data, boolean last) {
    Chunk.Builder chunk = Chunk.newBuilder().setData(data).setLast(last);
    return frame(ProcessResponse.newBuilder().setChunk(chunk));
  }

  private static ByteString zeros(int bytes) {
    return ByteString.copyFrom(new byte[bytes]);
  }

  private void refused(ReceivedFrame frame, String said) {
    var error = assertThrows(OutriggerRejectedException.class, () -> chunks.incoming(frame));
    assertEquals("PROTOCOL_VIOLATION", error.code());
    assertTrue(error.getMessage().contains(said), error.getMessage());
  }

  @Test
  @DisplayName("go out whole where they fit, and in chunks that fit where not")
  void outgoing() {
    for (int size : new int[] {MIB - 40, MIB, 3 * MIB + 5}) {
      Log.Builder log = Log.newBuilder().setMessage("x".repeat(size));
      ProcessRequest frame = ProcessRequest.newBuilder().setLog(log).build();
      List<ProcessRequest> sent = new ArrayList<>();
      agreed().outgoing(SentFrame.of(frame), one -> sent.add(parsed(one)));
      if (size < MIB - 16) {
        assertEquals(List.of(frame), sent);
        continue;
      }
      ByteString whole = ByteString.EMPTY;
      for (ProcessRequest one : sent) {
        assertTrue(one.getSerializedSize() <= MIB, "a frame of " + one.getSerializedSize());
        assertEquals(one == sent.get(sent.size() - 1), one.getChunk().getLast());
        whole = whole.concat(one.getChunk().getData());
      }
      assertEquals(frame.toByteString(), whole);
    }
  }

  private static ProcessRequest parsed(SentFrame frame) {
    try {
      return ProcessRequest.parseFrom(frame.stream());
    } catch (IOException error) {
      throw new AssertionError(error);
    }
  }

  @Test
  @DisplayName("come in when the last chunk has, and the next begins anew")
  void incoming() {
    agreed();
    for (int size : new int[] {MIB, 5 * MIB}) {
      Segment.Builder segment = Segment.newBuilder().addKeys(zeros(0)).addValues(zeros(size));
      Batch.Builder batch = Batch.newBuilder().addSegments(segment);
      ByteString bytes = ProcessResponse.newBuilder().setBatch(batch).build().toByteString();
      assertNull(chunks.incoming(chunk(bytes.substring(0, MIB), false)));
      ReceivedFrame whole = chunks.incoming(chunk(bytes.substring(MIB), true));
      assertNotNull(whole);
      assertEquals(size, whole.batch().segments.get(0).values.copy(0).length);
    }
  }

  @Test
  @DisplayName("may be cut off by a reject, and by nothing else")
  void cutOff() {
    agreed().incoming(chunk(zeros(1), false));
    Drain drain = Drain.getDefaultInstance();
    refused(
        frame(ProcessResponse.newBuilder().setDrain(drain)),
        "another frame after 1 bytes of one in chunks");
    ReceivedFrame reject =
        frame(ProcessResponse.newBuilder().setReject(Reject.getDefaultInstance()));
    assertSame(reject, chunks.incoming(reject));
  }

  @Test
  @DisplayName("are refused before they were agreed on")
  void notAgreedOn() {
    refused(chunk(zeros(1), false), "0 were agreed on");
  }

  @Test
  @DisplayName("are refused above the bound")
  void bound() {
    agreed().incoming(chunk(zeros(5 * MIB), false));
    refused(chunk(zeros(5 * MIB), true), "10485760 in all; 8388608 were agreed on");
  }

  @Test
  @DisplayName("are refused where a chunk is empty, or holds a chunk, or nothing that can be read")
  void contents() {
    agreed();
    refused(chunk(chunk(zeros(1), true).message().toByteString(), true), "chunks of a chunk");
    refused(chunk(ByteString.copyFrom(new byte[] {-1}), true), "chunks that are no frame");
    refused(chunk(ByteString.EMPTY, false), "0 bytes as a chunk");
  }

  @Test
  @DisplayName("of a question fail their record above the bound")
  void written() {
    Mutations.Builder written = Mutations.newBuilder().addValues(zeros(7 * MIB));
    Chunks.checkWritten(written.build(), WELCOME);
    written.addValues(zeros(MIB));
    var error =
        assertThrows(
            IllegalStateException.class, () -> Chunks.checkWritten(written.build(), WELCOME));
    assertTrue(error.getMessage().contains("raise server.max.message.bytes"), error.getMessage());
  }
}
