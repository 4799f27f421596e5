package io.outrigger;

/** Throw it for a record that no try will help: it is dead-lettered at once. */
public final class DeadLetterException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Dead-letters the record.
   *
   * @param message why
   */
  public DeadLetterException(String message) {
    super(message);
  }

  /**
   * Dead-letters the record.
   *
   * @param message why
   * @param cause what went wrong
   */
  public DeadLetterException(String message, Throwable cause) {
    super(message, cause);
  }
}
