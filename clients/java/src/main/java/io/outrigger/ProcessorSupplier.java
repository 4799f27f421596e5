package io.outrigger;

/**
 * Makes a processor for each task, so that what it keeps in its fields is never shared by threads. Such
 * fields are a cache: they are lost when the task moves, and hold what failed records put there.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <KOut> the type of the keys that it forwards
 * @param <VOut> the type of the values that it forwards
 */
@FunctionalInterface
public interface ProcessorSupplier<KIn, VIn, KOut, VOut> {
  /**
   * Makes one.
   *
   * @return a new processor
   */
  Processor<KIn, VIn, KOut, VOut> get();
}
