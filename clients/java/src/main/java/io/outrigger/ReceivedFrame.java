package io.outrigger;

import com.google.protobuf.InvalidProtocolBufferException;
import io.outrigger.gen.v1.ProcessResponse;

/**
 * A frame of the sidecar.
 *
 * @param message null for a batch
 * @param batch null for everything else
 */
record ReceivedFrame(ProcessResponse message, ReceivedBatch batch) {
  private static final int BATCH = 3;

  /** Reads a frame. Throws for what is none. */
  static ReceivedFrame read(byte[] bytes) throws InvalidProtocolBufferException {
    WireReader reader = new WireReader(bytes, 0, bytes.length);
    if (reader.next() && reader.is(BATCH, WireReader.DELIMITED)) {
      int length = reader.length();
      if (length == reader.left()) {
        return new ReceivedFrame(null, ReceivedBatch.read(bytes, reader.position(), bytes.length));
      }
    }
    // Of a batch in pieces, or together with something else, too.
    return of(ProcessResponse.parseFrom(bytes));
  }

  /** Of what the generated code has read. */
  static ReceivedFrame of(ProcessResponse message) throws InvalidProtocolBufferException {
    if (!message.hasBatch()) return new ReceivedFrame(message, null);
    byte[] batch = message.getBatch().toByteArray();
    return new ReceivedFrame(null, ReceivedBatch.read(batch, 0, batch.length));
  }
}
