package io.outrigger;

/** What a hook's code may look at besides its request. */
public interface HookContext {
  /**
   * Whether the request was taken away: another attempt has begun, or will.
   *
   * @return whether it was
   */
  boolean isRevoked();

  /**
   * Runs an action when the request is taken away while it is being worked on; at once where it was
   * already. For instance to cancel a call that takes long. The action must not block.
   *
   * @param action what to do, at most once
   */
  void onRevoked(Runnable action);
}
