package io.outrigger;

/**
 * What a sum, a minimum or a maximum reads values as, and writes. A record whose value has other bytes
 * fails.
 *
 * @param <N> what handlers see
 */
public final class NumberType<N extends Number> {
  /** Eight bytes, big-endian, as {@link Serdes#Long()} writes. A sum wraps, as Java's. */
  public static final NumberType<Long> INT64 =
      new NumberType<>(io.outrigger.gen.v1.NumberType.NUMBER_TYPE_INT64, Serdes.Long());

  /** Eight bytes, IEEE 754, as {@link Serdes#Double()} writes. */
  public static final NumberType<Double> FLOAT64 =
      new NumberType<>(io.outrigger.gen.v1.NumberType.NUMBER_TYPE_FLOAT64, Serdes.Double());

  /** Four bytes, big-endian, as {@link Serdes#Integer()} writes. A sum wraps, as Java's. */
  public static final NumberType<Integer> INT32 =
      new NumberType<>(io.outrigger.gen.v1.NumberType.NUMBER_TYPE_INT32, Serdes.Integer());

  final io.outrigger.gen.v1.NumberType wire;
  final Serde<N> serde;

  private NumberType(io.outrigger.gen.v1.NumberType wire, Serde<N> serde) {
    this.wire = wire;
    this.serde = serde;
  }
}
