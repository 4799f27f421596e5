package io.outrigger;

/**
 * The sidecar's word that this application cannot run, or that the two cannot understand each other.
 * Connecting again would end the same way.
 */
public final class OutriggerRejectedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The code. */
  private final String code;

  OutriggerRejectedException(String code, String message) {
    super(code + ": " + message);
    this.code = code;
  }

  /**
   * The sidecar's code for it, which has a page in the sidecar's docs/errors.
   *
   * @return for instance {@code TOPOLOGY_INVALID}
   */
  public String code() {
    return code;
  }
}
