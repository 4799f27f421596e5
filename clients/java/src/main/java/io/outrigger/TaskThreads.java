package io.outrigger;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Where handlers run: a thread for each task that has batches. */
final class TaskThreads {
  /** Far above what a sidecar's credit lets run at once; handlers of batches taken away count too. */
  private static final int THREADS_MAX = 256;

  private static final int IDLE_SECONDS = 30;

  private TaskThreads() {}

  /** Virtual threads where the runtime has them, from Java 21 on, else a pool of daemon threads. */
  static ExecutorService create() {
    try {
      var method = Executors.class.getMethod("newVirtualThreadPerTaskExecutor");
      return (ExecutorService) method.invoke(null);
    } catch (ReflectiveOperationException older) {
      return pool();
    }
  }

  static ExecutorService pool() {
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        1,
        THREADS_MAX,
        IDLE_SECONDS,
        TimeUnit.SECONDS,
        new Waiting(),
        runnable -> {
          Thread thread = new Thread(runnable, "outrigger-task-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        },
        Waiting::late);
  }

  /**
   * What waits for a thread. A pool makes a thread for what its queue refuses: this one takes nothing but
   * what a thread waits for, until there are as many threads as there may be.
   */
  private static final class Waiting extends LinkedTransferQueue<Runnable> {
    private static final long serialVersionUID = 1;

    @Override
    public boolean offer(Runnable work) {
      return tryTransfer(work);
    }

    /** Bounded by the credit: there is one entry at most for each batch held. */
    private static void late(Runnable work, ThreadPoolExecutor pool) {
      ((Waiting) pool.getQueue()).add(work, pool);
    }

    private void add(Runnable work, ThreadPoolExecutor pool) {
      boolean isOver = pool.isShutdown();
      if (!isOver) super.offer(work);
      if (isOver || pool.isShutdown() && remove(work)) {
        throw new RejectedExecutionException("the application has stopped");
      }
    }
  }
}
