package io.outrigger;

/**
 * A processor that leaves the key as it is, and sets timers: see {@link TimedProcessor}. Given as it is, not
 * by a supplier.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <VOut> the type of the values that it forwards
 */
public interface TimedFixedKeyProcessor<KIn, VIn, VOut> extends FixedKeyProcessor<KIn, VIn, VOut> {
  /**
   * Called when a timer fires, once.
   *
   * @param timer the timer
   * @param context as for a record of the timer's key: what is forwarded is made of {@code record}
   * @param record has the timer's key and time, and a null value
   * @throws Exception to fail it
   */
  void onTimer(
      FiredTimer<KIn> timer,
      FixedKeyRecord<KIn, VIn> record,
      FixedKeyProcessorContext<KIn, VOut> context)
      throws Exception;
}
