package io.outrigger;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.ReadStoreRequest;
import io.outrigger.gen.v1.StoreEntry;
import java.util.List;
import java.util.function.Function;

/**
 * A store of the topology, as it is committed; see {@link TestDriver#store}.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class TestStore<K, V> {
  /**
   * An entry of a store.
   *
   * @param <K> the key's type
   * @param <V> the value's type
   * @param key the key
   * @param windowStart the start of its window, in ms since the epoch; null where there are no windows
   * @param value the value
   */
  public record Entry<K, V>(K key, Long windowStart, V value) {}

  private final Serde<K> keySerde;
  private final Serde<V> valueSerde;
  private final Function<ReadStoreRequest.Builder, List<StoreEntry>> read;

  TestStore(
      Serde<K> keySerde,
      Serde<V> valueSerde,
      Function<ReadStoreRequest.Builder, List<StoreEntry>> read) {
    this.keySerde = keySerde;
    this.valueSerde = valueSerde;
    this.read = read;
  }

  /**
   * The value of a key.
   *
   * @param key the key
   * @return its value; null where there is none
   */
  public V get(K key) {
    return first(entries(of(key)));
  }

  /**
   * The value of a key in one window.
   *
   * @param key the key
   * @param windowStart the start of the window, in ms since the epoch
   * @return its value; null where there is none
   */
  public V get(K key, long windowStart) {
    return first(entries(of(key).setWindowStart(windowStart)));
  }

  /**
   * The timestamp of a key's value in a timestamped store.
   *
   * @param key the key
   * @return ms since the epoch; null where there is none
   */
  public Long timestamp(K key) {
    return read.apply(of(key)).stream()
        .filter(StoreEntry::hasTimestamp)
        .map(StoreEntry::getTimestamp)
        .findFirst()
        .orElse(null);
  }

  /**
   * Every window of a key.
   *
   * @param key the key
   * @return its entries, by window
   */
  public List<Entry<K, V>> windows(K key) {
    return entries(of(key));
  }

  /**
   * Every entry.
   *
   * @return the entries, by partition, key and window
   */
  public List<Entry<K, V>> all() {
    return entries(ReadStoreRequest.newBuilder());
  }

  private ReadStoreRequest.Builder of(K key) {
    return ReadStoreRequest.newBuilder().setKey(ByteString.copyFrom(keySerde.serialize(key)));
  }

  private List<Entry<K, V>> entries(ReadStoreRequest.Builder asked) {
    return read.apply(asked).stream()
        .map(
            entry ->
                new Entry<>(
                    keySerde.deserialize(entry.getKey().toByteArray()),
                    entry.hasWindowStart() ? entry.getWindowStart() : null,
                    valueSerde.deserialize(entry.getValue().toByteArray())))
        .toList();
  }

  private V first(List<Entry<K, V>> entries) {
    return entries.isEmpty() ? null : entries.get(0).value();
  }
}
