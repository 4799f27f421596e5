package io.outrigger;

/**
 * Your code for each request of a hook, after the commit of the record that asked; at least once.
 *
 * @param <K> the key's type
 * @param <P> the payload's type
 */
@FunctionalInterface
public interface HookHandler<K, P> {
  /**
   * Runs the hook.
   *
   * @param request the payload as its value, with the key, timestamp and headers of the record that
   *     asked; its {@code idempotencyKey} is the same on every attempt, and no other request has it
   * @param context what there is to look at; of use on this thread and for this request alone
   * @throws Exception to fail the request, which is then tried again, or given up by policy
   */
  void run(Record<K, P> request, HookContext context) throws Exception;
}
