package io.outrigger;

/**
 * Makes a processor for each task: see {@link ProcessorSupplier}.
 *
 * @param <KIn> the key's type
 * @param <VIn> the value's type
 * @param <VOut> the type of the values that it forwards
 */
@FunctionalInterface
public interface FixedKeyProcessorSupplier<KIn, VIn, VOut> {
  /**
   * Makes one.
   *
   * @return a new processor
   */
  FixedKeyProcessor<KIn, VIn, VOut> get();
}
