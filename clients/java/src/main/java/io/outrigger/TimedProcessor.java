package io.outrigger;

/**
 * A processor that sets timers, by {@link ProcessingContext#timers}, or that a clock calls. A call that
 * throws is as a record that fails.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <KOut> the type of the keys that it forwards
 * @param <VOut> the type of the values that it forwards
 */
public interface TimedProcessor<KIn, VIn, KOut, VOut> extends Processor<KIn, VIn, KOut, VOut> {
  /**
   * Called when a timer fires, once.
   *
   * @param timer the timer
   * @param context as for a record of the timer's key
   * @throws Exception to fail it
   */
  void onTimer(FiredTimer<KIn> timer, ProcessorContext<KOut, VOut> context) throws Exception;

  /**
   * Called by a punctuator of {@link Named#withPunctuator}; does nothing by itself.
   *
   * @param name the punctuator's
   * @param timestamp the clock's time, in ms since 1970 in UTC
   * @param context what may be done; it has no key, so no timers
   * @throws Exception to fail it
   */
  default void onPunctuate(String name, long timestamp, ProcessorContext<KOut, VOut> context)
      throws Exception {}
}
