package io.outrigger;

/** The serdes of a source or a sink; handlers in between pass objects on. */
record SerdePair(Serde<Object> key, Serde<Object> value) {
  // The builder's types have seen to it that the serdes take what they are given.
  @SuppressWarnings("unchecked")
  static SerdePair of(Serde<?> key, Serde<?> value) {
    return new SerdePair((Serde<Object>) key, (Serde<Object>) value);
  }
}
