package io.outrigger;

import java.util.List;

/**
 * What the records of one partition in one batch share: where they stand.
 *
 * @param offsetDeltas offset minus {@code baseOffset} of each row; empty when consecutive
 */
record Origin(
    String topic, int partition, long baseOffset, List<Integer> offsetDeltas, String applicationId) {
  /** Of records that a handler made by itself, until they are forwarded. */
  static final Origin NONE = new Origin("", -1, -1, List.of(), "");

  long offset(int index) {
    return baseOffset + (offsetDeltas.isEmpty() ? index : offsetDeltas.get(index));
  }
}
