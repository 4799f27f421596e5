package io.outrigger;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
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
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            THREADS_MAX,
            THREADS_MAX,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            // Bounded by the credit: there is one entry at most for each batch held.
            new LinkedBlockingQueue<>(),
            runnable -> {
              Thread thread = new Thread(runnable, "outrigger-task-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }
}
