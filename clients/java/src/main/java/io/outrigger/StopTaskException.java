package io.outrigger;

/** Throw it when nothing must go on: the record's task stops until another application connects. */
public final class StopTaskException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Stops the record's task.
   *
   * @param message why
   */
  public StopTaskException(String message) {
    super(message);
  }

  /**
   * Stops the record's task.
   *
   * @param message why
   * @param cause what went wrong
   */
  public StopTaskException(String message, Throwable cause) {
    super(message, cause);
  }
}
