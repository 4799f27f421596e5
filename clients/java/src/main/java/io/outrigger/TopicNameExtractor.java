package io.outrigger;

/**
 * Says which topic a record goes to, as Kafka Streams' does.
 *
 * @param <K> the key's type
 * @param <V> the value's type
 */
@FunctionalInterface
public interface TopicNameExtractor<K, V> {
  /**
   * The topic of a record.
   *
   * @param key its key
   * @param value its value
   * @param record the record
   * @return one of the topics that were declared; any other one fails the record
   * @throws Exception to fail the record
   */
  String extract(K key, V value, Record<K, V> record) throws Exception;
}
