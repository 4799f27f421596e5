package io.outrigger;

import java.util.concurrent.ThreadLocalRandom;

/**
 * The pauses between connections. Each is about a fifth of the time that was waited already, so that an
 * application which is started together with its sidecar loses next to nothing.
 */
final class BackOff {
  private static final double MAX_MS = 5_000;

  /** A shorter pause is nothing to be told of: a sidecar that starts is not there yet. */
  static final long TOLD_MS = 100;

  private int tries;

  /** The next pause in ms, after a stream that was welcomed or was not. */
  long nextMs(boolean wasWelcome) {
    tries = wasWelcome ? 0 : tries + 1;
    double longest = Math.min(MAX_MS, 20 * Math.pow(1.2, tries));
    return (long) (longest * (0.5 + ThreadLocalRandom.current().nextDouble() / 2));
  }
}
