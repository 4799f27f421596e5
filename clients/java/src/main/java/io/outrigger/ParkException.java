package io.outrigger;

/**
 * Throw it for a record that cannot be processed now, and must not be overtaken: its key waits, and later
 * records of the key follow it, until {@code outrigger dlq release}. Needs {@code parked.enable} and a
 * key; without them it is a {@link DeadLetterException}.
 */
public final class ParkException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Parks the record.
   *
   * @param message why
   */
  public ParkException(String message) {
    super(message);
  }

  /**
   * Parks the record.
   *
   * @param message why
   * @param cause what went wrong
   */
  public ParkException(String message, Throwable cause) {
    super(message, cause);
  }
}
