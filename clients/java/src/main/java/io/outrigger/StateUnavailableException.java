package io.outrigger;

/** The sidecar could not say, or the batch was taken away: the batch stops, the record is not to blame. */
final class StateUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StateUnavailableException(String message) {
    super(message);
  }
}
