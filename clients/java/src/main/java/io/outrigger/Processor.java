package io.outrigger;

/**
 * Your code for each record of a stream, in the order of its partition. It may block: neither a poll
 * interval nor a transaction is at stake, and other partitions go on.
 *
 * <p>A record is one unit: where it throws, nothing that it forwarded or wrote to a store ever was,
 * and the sidecar's policy decides what comes next.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <KOut> the type of the keys that it forwards
 * @param <VOut> the type of the values that it forwards
 */
@FunctionalInterface
public interface Processor<KIn, VIn, KOut, VOut> {
  /**
   * Processes one record.
   *
   * @param record the record
   * @param context what may be done besides computing; of use on this thread and for this record alone
   * @throws Exception to fail the record
   */
  void process(Record<KIn, VIn> record, ProcessorContext<KOut, VOut> context) throws Exception;
}
