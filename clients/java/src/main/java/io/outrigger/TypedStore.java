package io.outrigger;

import com.google.protobuf.ByteString;

/** A store with its serdes, for one record. */
class TypedStore<K, V> implements KeyValueStore<K, V> {
  private final KeyValueStoreDefinition<K, V> definition;
  private final BatchState state;
  private final ProcessContext context;

  TypedStore(KeyValueStoreDefinition<K, V> definition, BatchState state, ProcessContext context) {
    this.definition = definition;
    this.state = state;
    this.context = context;
  }

  @Override
  public V get(K key) {
    byte[] found = state.getKey(bytes(key));
    return found == null ? null : definition.valueSerde().deserialize(found);
  }

  @Override
  public void put(K key, V value) {
    byte[] written = value == null ? null : definition.valueSerde().serialize(value);
    state.putKey(bytes(key), written);
  }

  @Override
  public void delete(K key) {
    state.putKey(bytes(key), null);
  }

  @Override
  public KeyValueIterator<K, V> range(K from, K to) {
    return entries(from, to, false);
  }

  @Override
  public KeyValueIterator<K, V> reverseRange(K from, K to) {
    return entries(from, to, true);
  }

  @Override
  public <P> KeyValueIterator<K, V> prefixScan(P prefix, Serde<P> serde) {
    return beginning(prefix, serde, false);
  }

  @Override
  public <P> KeyValueIterator<K, V> reversePrefixScan(P prefix, Serde<P> serde) {
    return beginning(prefix, serde, true);
  }

  private <P> KeyValueIterator<K, V> beginning(P prefix, Serde<P> serde, boolean reverse) {
    ByteString first = ByteString.copyFrom(context.keyBytes(definition.name(), serde, prefix));
    ByteString end = RangeIterator.prefixEnd(first);
    return new RangeIterator<>(definition, state, context, first, end, reverse);
  }

  private KeyValueIterator<K, V> entries(K from, K to, boolean reverse) {
    ByteString first = from == null ? null : ByteString.copyFrom(bytes(from));
    ByteString end = to == null ? null : RangeIterator.keyAfter(ByteString.copyFrom(bytes(to)));
    return new RangeIterator<>(definition, state, context, first, end, reverse);
  }

  private byte[] bytes(K key) {
    return context.keyBytes(definition.name(), definition.keySerde(), key);
  }
}
