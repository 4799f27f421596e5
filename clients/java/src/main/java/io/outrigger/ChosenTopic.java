package io.outrigger;

import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Hands each record to the child that writes its chosen topic; children stand in the topics' order. */
final class ChosenTopic implements NodeCode {
  private final TopicNameExtractor<Object, Object> extractor;
  private final List<String> topics;

  ChosenTopic(TopicNameExtractor<Object, Object> extractor, Collection<String> topics) {
    this.extractor = extractor;
    this.topics = List.copyOf(topics);
    if (topics.isEmpty() || Set.copyOf(topics).size() < topics.size()) {
      throw new IllegalArgumentException(
          "the topics to choose from are " + topics + ": name each of them once");
    }
  }

  @Override
  public void run(Record<Object, Object> record, Emitter emitter) throws Exception {
    String chosen = extractor.extract(record.key(), record.value(), record);
    int child = chosen == null ? -1 : topics.indexOf(chosen);
    if (child < 0) {
      throw new IllegalArgumentException(
          "\"" + emitter.node.name + "\" chose the topic \"" + chosen + "\", it declares: "
              + String.join(", ", topics));
    }
    emitter.child(child).run(record);
  }
}
