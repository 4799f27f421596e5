package io.outrigger;

import java.util.ArrayDeque;
import java.util.Deque;

/** The frames of a session's results, used again once they were sent. */
final class ResultFrames {
  /** More than are in flight are left to the collector. */
  private static final int KEPT_MAX = 8;

  private final Deque<ResultFrame> free = new ArrayDeque<>();

  synchronized ResultFrame take() {
    ResultFrame kept = free.pollFirst();
    return kept == null ? new ResultFrame(this) : kept;
  }

  synchronized void put(ResultFrame frame) {
    if (free.size() == KEPT_MAX || free.contains(frame)) return;
    frame.outputs.reset();
    free.addFirst(frame);
  }
}
