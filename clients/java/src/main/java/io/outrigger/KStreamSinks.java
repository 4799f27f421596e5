package io.outrigger;

import java.util.Collection;

/**
 * Where a stream is written.
 *
 * @param <K> the type of its keys
 * @param <V> the type of its values
 */
sealed interface KStreamSinks<K, V> permits KStream {
  /**
   * Writes a topic that must exist.
   *
   * @param topic the topic
   * @param produced how records are written
   */
  void to(String topic, Produced<K, V> produced);

  /**
   * Writes a topic that must exist, with the application's default serdes.
   *
   * @param topic the topic
   */
  void to(String topic);

  /**
   * Writes each record to a topic that is chosen for it, with the application's default serdes.
   *
   * @param extractor chooses the topic
   * @param topics those that it may choose, which must exist; their sinks are named
   *     {@code <name>-<topic>}
   */
  void to(TopicNameExtractor<? super K, ? super V> extractor, Collection<String> topics);

  /**
   * Writes each record to a topic that is chosen for it.
   *
   * @param extractor chooses the topic
   * @param topics those that it may choose, which must exist
   * @param produced how records are written, and the name of the node that chooses
   */
  default void to(
      TopicNameExtractor<? super K, ? super V> extractor,
      Collection<String> topics,
      Produced<K, V> produced) {
    Named named = produced.name == null ? Named.BY_ORDER : Named.as(produced.name);
    to(extractor, topics, produced, named);
  }

  /**
   * The same with a failure policy.
   *
   * @param extractor chooses the topic
   * @param topics those that it may choose, which must exist
   * @param produced how records are written
   * @param named the name of the node that chooses, and its policy
   */
  void to(
      TopicNameExtractor<? super K, ? super V> extractor,
      Collection<String> topics,
      Produced<K, V> produced,
      Named named);
}
