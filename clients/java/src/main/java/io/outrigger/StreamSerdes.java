package io.outrigger;

import java.util.List;

/**
 * How a stream's records are written, as far as it is known: as they were read, while their types are the
 * same, or as was said since.
 *
 * @param key null where it is not known
 * @param value null where it is not known
 */
record StreamSerdes(Serde<?> key, Serde<?> value) {
  /** Behind code that makes keys and values of other types. */
  static final StreamSerdes UNKNOWN = new StreamSerdes(null, null);

  StreamSerdes withKey(Serde<?> other) {
    return new StreamSerdes(other, value);
  }

  StreamSerdes withValue(Serde<?> other) {
    return new StreamSerdes(key, other);
  }

  /** These, unless what was given says otherwise, and the defaults where neither does. */
  StreamSerdes orElse(StreamSerdes given, SerdePair defaults) {
    return new StreamSerdes(given.key == null ? key : given.key, given.value == null ? value : given.value)
        .orElse(defaults);
  }

  StreamSerdes orElse(SerdePair defaults) {
    return new StreamSerdes(
        key == null ? defaults.key() : key, value == null ? defaults.value() : value);
  }

  /** Of serdes that are all known. */
  SerdePair pair() {
    return SerdePair.of(key, value);
  }

  /** What both agree on; fails where they do not. */
  StreamSerdes mergedWith(StreamSerdes other, List<String> nodes) {
    return new StreamSerdes(
        merged("keys", key, other.key, nodes), merged("values", value, other.value, nodes));
  }

  private static Serde<?> merged(String what, Serde<?> one, Serde<?> other, List<String> nodes) {
    if (one == null) return other;
    if (other == null || one.equals(other)) return one;
    throw new IllegalArgumentException(
        String.format(
            "the %s of %s are read with different serdes: to merge them, read both with one and the same",
            what, nodes));
  }
}
