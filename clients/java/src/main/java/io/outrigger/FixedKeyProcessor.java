package io.outrigger;

/**
 * Your code for each record of a stream, which leaves the key as it is: see {@link Processor}.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <VOut> the type of the values that it forwards
 */
@FunctionalInterface
public interface FixedKeyProcessor<KIn, VIn, VOut> {
  /**
   * Processes one record.
   *
   * @param record the record
   * @param context what may be done besides computing; of use on this thread and for this record alone
   * @throws Exception to fail the record
   */
  void process(FixedKeyRecord<KIn, VIn> record, FixedKeyProcessorContext<KIn, VOut> context)
      throws Exception;
}
