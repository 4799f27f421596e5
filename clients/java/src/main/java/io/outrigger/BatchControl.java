package io.outrigger;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** How a batch under way is stopped, from another thread. */
final class BatchControl {
  private static final System.Logger LOG = System.getLogger("io.outrigger");

  private volatile boolean isStopped;
  private volatile boolean isTaken;
  private List<Runnable> actions = List.of();

  /** Whether to stop before the next record. */
  boolean isStopped() {
    return isStopped;
  }

  /** Whether what the batch does has no effect any more. */
  boolean isTaken() {
    return isTaken;
  }

  void stop() {
    isStopped = true;
  }

  /** The actions run on the executor: whoever takes a batch away must not wait for its handler. */
  void take(Executor executor) {
    List<Runnable> due;
    synchronized (this) {
      isStopped = true;
      isTaken = true;
      due = actions;
      actions = List.of();
    }
    for (Runnable action : due) executor.execute(() -> run(action));
  }

  /** Runs an action when the batch is taken; at once where it was. */
  void onTaken(Runnable action) {
    synchronized (this) {
      if (!isTaken) {
        if (actions.isEmpty()) actions = new ArrayList<>();
        actions.add(action);
        return;
      }
    }
    run(action);
  }

  /** The record is done: its actions are of no use any more. */
  void forgetActions() {
    if (actions.isEmpty()) return;
    synchronized (this) {
      actions = List.of();
    }
  }

  private static void run(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException error) {
      LOG.log(System.Logger.Level.WARNING, "an action of onRevoked failed", error);
    }
  }
}
