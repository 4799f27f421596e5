package io.outrigger;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.KeyRange;
import io.outrigger.gen.v1.StateResponse;
import java.util.NoSuchElementException;

/** Page by page; each page sees what the batch has written when it is asked for. */
final class RangeIterator<K, V> implements KeyValueIterator<K, V> {
  private static final ByteString ZERO = ByteString.copyFrom(new byte[] {0});

  private final KeyValueStoreDefinition<K, V> definition;
  private final BatchState state;
  private final ProcessContext context;
  private final boolean isReverse;

  /** What is left to ask for, {@code [from, to)}; null is an open end. */
  private ByteString from;

  private ByteString to;
  private StateResponse page = StateResponse.newBuilder().setMore(true).build();
  private int next;

  RangeIterator(
      KeyValueStoreDefinition<K, V> definition,
      BatchState state,
      ProcessContext context,
      ByteString from,
      ByteString to,
      boolean isReverse) {
    this.definition = definition;
    this.state = state;
    this.context = context;
    this.from = from;
    this.to = to;
    this.isReverse = isReverse;
  }

  @Override
  public boolean hasNext() {
    while (next == page.getKeysCount() && page.getMore()) {
      context.mustBeOpen("a range of the store \"" + definition.name() + "\"");
      KeyRange.Builder range = KeyRange.newBuilder().setReverse(isReverse);
      if (from != null) range.setFrom(from);
      if (to != null) range.setTo(to);
      page = state.page(range);
      next = 0;
      // A page that goes on has an entry (P-46): without one there would be nowhere to go on from.
      if (page.getKeysCount() == 0) return false;
      ByteString last = page.getKeys(page.getKeysCount() - 1);
      if (isReverse) to = last;
      else from = keyAfter(last);
    }
    return next < page.getKeysCount();
  }

  @Override
  public KeyValue<K, V> next() {
    if (!hasNext()) {
      throw new NoSuchElementException(
          "the range of the store \"" + definition.name() + "\" has no more entries: ask hasNext()");
    }
    byte[] key = page.getKeys(next).toByteArray();
    byte[] value = page.getValues(next).toByteArray();
    next += 1;
    return new KeyValue<>(
        definition.keySerde().deserialize(key), definition.valueSerde().deserialize(value));
  }

  @Override
  public void close() {
    page = StateResponse.getDefaultInstance();
    next = 0;
  }

  /** The first key behind all that begin with {@code prefix}; null where none is. */
  static ByteString prefixEnd(ByteString prefix) {
    byte[] bytes = prefix.toByteArray();
    for (int last = bytes.length - 1; last >= 0; last--) {
      if (bytes[last] == (byte) 0xff) continue;
      bytes[last]++;
      return ByteString.copyFrom(bytes, 0, last + 1);
    }
    return null;
  }

  /** The key that comes next after {@code key}: no other lies between them. */
  static ByteString keyAfter(ByteString key) {
    return key.concat(ZERO);
  }
}
