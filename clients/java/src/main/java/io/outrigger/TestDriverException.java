package io.outrigger;

/** A task has stopped at a record, or a call of {@link TestDriver} cannot be done; its message says why. */
public final class TestDriverException extends RuntimeException {
  TestDriverException(String message, Throwable cause) {
    super(message, cause);
  }
}
