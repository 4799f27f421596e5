package io.outrigger;

import io.outrigger.gen.v1.Welcome;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/** One task's batches, and its processors. All but {@code run} is guarded by the session. */
final class TaskQueue {
  final String taskId;

  /** Oldest first; the first is under way. Credit bounds how many there are. */
  final Deque<HeldBatch> batches = new ArrayDeque<>();

  /** The epoch that was taken away last; epochs begin at 1 or later. */
  int revokedEpoch = -1;

  private int epoch;

  /** By stage; of the thread that runs the task's batches. */
  private final Map<Integer, BatchRun> runs = new HashMap<>();

  TaskQueue(String taskId) {
    this.taskId = taskId;
  }

  /** Called between batches, by the thread that runs them. */
  void beginEpoch(int next) {
    // Somebody else may have had the task in between: what processors remember is of no worth.
    if (next != epoch) runs.clear();
    epoch = next;
  }

  /** Whether the task has left for good, so that its processors can go. */
  boolean isOver() {
    return batches.isEmpty() && epoch == revokedEpoch;
  }

  BatchRun run(
      Map<String, TopologyNode> nodes, Welcome welcome, int stage, ResultFrames frames) {
    BatchRun known = runs.get(stage);
    if (known != null) return known;
    if (stage < 0 || stage >= welcome.getStagesCount()) {
      throw new IllegalStateException(
          "the sidecar sent a batch of stage " + stage + ", which it never announced");
    }
    BatchRun run = new BatchRun(nodes, welcome, welcome.getStages(stage), frames);
    runs.put(stage, run);
    return run;
  }
}
