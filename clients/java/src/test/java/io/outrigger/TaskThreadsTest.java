package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TaskThreadsTest {
  private final ExecutorService pool = TaskThreads.pool();
  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

  @AfterEach
  void close() {
    pool.shutdownNow();
  }

  @Test
  void workGoesToAThreadThatWaits() throws Exception {
    for (int piece = 0; piece < 100; piece++) {
      CountDownLatch done = new CountDownLatch(1);
      pool.execute(
          () -> {
            threads.add(Thread.currentThread());
            done.countDown();
          });
      done.await();
    }
    // One more begins where the last one has not come back yet.
    assertTrue(threads.size() < 50, threads.size() + " threads");
  }

  @Test
  void allRunsAtOnceUpToABoundAndTheRestAfterIt() throws Exception {
    int pieces = 300;
    CountDownLatch begun = new CountDownLatch(256);
    CountDownLatch released = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(pieces);
    for (int piece = 0; piece < pieces; piece++) {
      pool.execute(
          () -> {
            threads.add(Thread.currentThread());
            begun.countDown();
            await(released);
            done.countDown();
          });
    }
    assertTrue(begun.await(10, TimeUnit.SECONDS));
    assertEquals(256, threads.size());
    released.countDown();
    assertTrue(done.await(10, TimeUnit.SECONDS));
    assertEquals(256, threads.size());
  }

  @Test
  void nothingIsTakenAfterTheEnd() {
    pool.shutdown();
    assertThrows(RejectedExecutionException.class, () -> pool.execute(() -> {}));
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interrupt) {
      Thread.currentThread().interrupt();
    }
  }
}
