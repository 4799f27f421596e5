package io.outrigger;

import java.util.List;

/**
 * A record whose key cannot be changed; it never changes.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class FixedKeyRecord<K, V> {
  final Record<K, V> record;

  FixedKeyRecord(Record<K, V> record) {
    this.record = record;
  }

  /**
   * The key.
   *
   * @return the key
   */
  public K key() {
    return record.key();
  }

  /**
   * The value.
   *
   * @return the value
   */
  public V value() {
    return record.value();
  }

  /**
   * The timestamp.
   *
   * @return ms since 1970 in UTC; may be negative
   */
  public long timestamp() {
    return record.timestamp();
  }

  /**
   * The headers, in order, duplicates included.
   *
   * @return the headers; cannot be changed
   */
  public List<Header> headers() {
    return record.headers();
  }

  /**
   * The topic of the input record that caused this one.
   *
   * @return the topic
   */
  public String topic() {
    return record.topic();
  }

  /**
   * The partition of the input record that caused this one.
   *
   * @return the partition
   */
  public int partition() {
    return record.partition();
  }

  /**
   * The offset of the input record that caused this one.
   *
   * @return the offset
   */
  public long offset() {
    return record.offset();
  }

  /**
   * What names the input record, the same on every attempt; see {@link Record#idempotencyKey()}.
   *
   * @return the token
   */
  public String idempotencyKey() {
    return record.idempotencyKey();
  }

  /**
   * The same record with another value.
   *
   * @param <V2> the value's type
   * @param next the value
   * @return a new record
   */
  public <V2> FixedKeyRecord<K, V2> withValue(V2 next) {
    return new FixedKeyRecord<>(record.withValue(next));
  }

  /**
   * The same record at another time.
   *
   * @param next ms since 1970 in UTC
   * @return a new record
   */
  public FixedKeyRecord<K, V> withTimestamp(long next) {
    return new FixedKeyRecord<>(record.withTimestamp(next));
  }

  /**
   * The same record with other headers.
   *
   * @param next the headers, in order
   * @return a new record
   */
  public FixedKeyRecord<K, V> withHeaders(List<Header> next) {
    return new FixedKeyRecord<>(record.withHeaders(next));
  }
}
