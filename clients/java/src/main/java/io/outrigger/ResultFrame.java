package io.outrigger;

import io.outrigger.gen.v1.BatchResult;

/** A {@code ProcessRequest} that holds a {@code BatchResult}, while its batch runs and until it was sent. */
final class ResultFrame {
  private static final int RESULT_OF_REQUEST = 2;
  private static final int OUTPUTS_OF_RESULT = 6;

  final Outputs outputs = new Outputs();
  private final ResultFrames home;

  ResultFrame(ResultFrames home) {
    this.home = home;
  }

  /**
   * The whole frame, to be released once it was sent.
   *
   * @param rest what is rare, and so left to the generated code; null where there is none of it
   */
  SentFrame encode(ReceivedBatch batch, int done, BatchState[] states, BatchResult rest) {
    WireWriter to = outputs.finish(OUTPUTS_OF_RESULT);
    int start = to.start;
    to.uint(1, batch.dispatchId);
    to.uint(2, Integer.toUnsignedLong(batch.taskEpoch));
    to.string(3, batch.taskId);
    to.uint(4, done);
    for (BatchState state : states) state.writeMutations(to);
    if (rest != null) to.fields(rest.toByteArray());
    to.enclose(start, RESULT_OF_REQUEST);
    return new SentFrame(to.bytes, to.start, to.position - to.start, this);
  }

  /** It was sent, or never will be, and nobody writes to it: another batch may have it. */
  void release() {
    home.put(this);
  }
}
