package io.outrigger;

/**
 * What the records of one partition in one batch share: where they stand.
 *
 * @param offsetDeltas offset minus {@code baseOffset} of each row; empty when consecutive
 */
record Origin(
    String topic, int partition, long baseOffset, int[] offsetDeltas, String applicationId) {
  /** Of records that a handler made by itself, until they are forwarded. */
  static final Origin NONE = new Origin("", -1, -1, WireReader.NO_INTS, "");

  long offset(int index) {
    return baseOffset + (offsetDeltas.length == 0 ? index : offsetDeltas[index]);
  }
}
