package io.outrigger;

import java.util.concurrent.ThreadLocalRandom;

/** The pauses between connections: short at first, for a sidecar that restarts is back within a second. */
final class BackOff {
  private static final long FIRST_MS = 50;
  private static final long MAX_MS = 5_000;

  /** A sidecar is expected back soon: tries stay frequent for about this long. */
  private static final int QUICK_TRIES = 20;

  private static final long QUICK_MAX_MS = 250;

  private int tries;

  /** The next pause in ms, after a stream that was welcomed or was not. */
  long nextMs(boolean wasWelcome) {
    tries = wasWelcome ? 0 : tries + 1;
    long most = tries < QUICK_TRIES ? QUICK_MAX_MS : MAX_MS;
    // 2^7 * 50 ms is above every bound.
    long base = Math.min(most, FIRST_MS << Math.min(tries, 7));
    return (long) (base * (0.5 + ThreadLocalRandom.current().nextDouble() / 2));
  }
}
