package io.outrigger;

/** A key or a value that its serde cannot write or read. It fails the record that it belongs to. */
public final class SerializationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes one.
   *
   * @param message what was refused, and what to do
   */
  public SerializationException(String message) {
    super(message);
  }

  /**
   * Makes one.
   *
   * @param message what was refused, and what to do
   * @param cause the serde's own exception
   */
  public SerializationException(String message, Throwable cause) {
    super(message, cause);
  }
}
