package io.outrigger;

/**
 * Makes a processor with timers for each task: see {@link ProcessorSupplier}.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <KOut> the type of the keys that it forwards
 * @param <VOut> the type of the values that it forwards
 */
@FunctionalInterface
public interface TimedProcessorSupplier<KIn, VIn, KOut, VOut>
    extends ProcessorSupplier<KIn, VIn, KOut, VOut> {
  @Override
  TimedProcessor<KIn, VIn, KOut, VOut> get();
}
