package io.outrigger;

/** A batch that this worker holds, and what becomes of it. */
final class HeldBatch {
  /** How a batch ends for this worker. */
  enum Fate {
    /** By its result. */
    ANSWER,
    /** Unprocessed, for somebody else. */
    HAND_BACK,
    /** Without a word: it was taken away. */
    NOTHING
  }

  final ReceivedBatch batch;
  final BatchControl control = new BatchControl();
  Fate fate = Fate.ANSWER;

  HeldBatch(ReceivedBatch batch) {
    this.batch = batch;
  }
}
