package io.outrigger;

import java.util.List;
import java.util.Objects;

/**
 * A record on its way through the topology; it never changes.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
public final class Record<K, V> {
  static final List<Header> NO_HEADERS = List.of();

  private final K key;
  private final V value;
  private final long timestamp;
  private final List<Header> headers;
  private final Origin origin;
  private final int index;

  Record(K key, V value, long timestamp, List<Header> headers, Origin origin, int index) {
    this.key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = headers;
    this.origin = origin;
    this.index = index;
  }

  /**
   * A record of your own, without headers. Most handlers make theirs of the one they got, by
   * {@link #withKey} and {@link #withValue}: it keeps timestamp and headers.
   *
   * @param key the key
   * @param value the value
   * @param timestamp ms since 1970 in UTC
   */
  public Record(K key, V value, long timestamp) {
    this(key, value, timestamp, NO_HEADERS);
  }

  /**
   * A record of your own.
   *
   * @param key the key
   * @param value the value
   * @param timestamp ms since 1970 in UTC
   * @param headers the headers, in order
   */
  public Record(K key, V value, long timestamp, List<Header> headers) {
    this(key, value, timestamp, List.copyOf(headers), Origin.NONE, 0);
  }

  /**
   * The key.
   *
   * @return the key
   */
  public K key() {
    return key;
  }

  /**
   * The value.
   *
   * @return the value
   */
  public V value() {
    return value;
  }

  /**
   * The timestamp.
   *
   * @return ms since 1970 in UTC; may be negative
   */
  public long timestamp() {
    return timestamp;
  }

  /**
   * The headers, in order, duplicates included.
   *
   * @return the headers; cannot be changed
   */
  public List<Header> headers() {
    return headers;
  }

  /**
   * The topic of the input record that caused this one.
   *
   * @return the topic; empty for a record of your own that was not forwarded yet
   */
  public String topic() {
    return origin.topic();
  }

  /**
   * The partition of the input record that caused this one.
   *
   * @return the partition; -1 for a record of your own that was not forwarded yet
   */
  public int partition() {
    return origin.partition();
  }

  /**
   * The offset of the input record that caused this one.
   *
   * @return the offset; -1 for a record of your own that was not forwarded yet
   */
  public long offset() {
    return origin.offset(index);
  }

  /**
   * {@code <application.id>/<topic>-<partition>@<offset>} of the input record: the same on every
   * attempt. Give it to whatever you call outside Kafka, for that happens at least once.
   *
   * @return the token
   */
  public String idempotencyKey() {
    return origin.applicationId() + "/" + topic() + "-" + partition() + "@" + offset();
  }

  /**
   * The same record with another key.
   *
   * @param <K2> the key's type
   * @param next the key
   * @return the record
   */
  public <K2> Record<K2, V> withKey(K2 next) {
    return new Record<>(next, value, timestamp, headers, origin, index);
  }

  /**
   * The same record with another value.
   *
   * @param <V2> the value's type
   * @param next the value
   * @return the record
   */
  public <V2> Record<K, V2> withValue(V2 next) {
    return new Record<>(key, next, timestamp, headers, origin, index);
  }

  /**
   * The same record at another time.
   *
   * @param next ms since 1970 in UTC
   * @return the record
   */
  public Record<K, V> withTimestamp(long next) {
    return new Record<>(key, value, next, headers, origin, index);
  }

  /**
   * The same record with these headers instead of its own.
   *
   * @param next the headers, in order
   * @return the record
   */
  public Record<K, V> withHeaders(List<Header> next) {
    Objects.requireNonNull(next, "headers");
    return new Record<>(key, value, timestamp, List.copyOf(next), origin, index);
  }

  /** What another record becomes when this one, or what came of it, forwards it. */
  <K2, V2> Record<K2, V2> followedBy(Record<K2, V2> next) {
    if (next.origin == origin && next.index == index) return next;
    return new Record<>(next.key, next.value, next.timestamp, next.headers, origin, index);
  }

  <K2, V2> Record<K2, V2> followedBy(K2 nextKey, V2 nextValue) {
    return new Record<>(nextKey, nextValue, timestamp, headers, origin, index);
  }
}
