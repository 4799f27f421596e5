package io.outrigger;

import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.TimerSource;
import io.outrigger.gen.v1.Welcome;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a batch has changed in timers, by node; and which of its rows are timers. */
final class TimerSet {
  private final Welcome welcome;
  private final Map<String, BatchTimers> timers = new LinkedHashMap<>();

  TimerSet(Welcome welcome) {
    this.welcome = welcome;
  }

  /** Of a source of timers: whether they are the node's. What is derived from them is records. */
  boolean isOf(TopologyNode node, int source) {
    for (int index = 0; index < welcome.getTimerSourcesCount(); index++) {
      TimerSource each = welcome.getTimerSources(index);
      if (each.getSource() == source) return each.getNode().equals(node.name);
    }
    return false;
  }

  BatchTimers of(String node) {
    return timers.computeIfAbsent(node, BatchTimers::new);
  }

  long bytes() {
    if (timers.isEmpty()) return 0;
    return timers.values().stream().mapToLong(BatchTimers::bytes).sum();
  }

  void keep() {
    if (!timers.isEmpty()) timers.values().forEach(BatchTimers::keep);
  }

  void rollback() {
    timers.values().forEach(BatchTimers::rollback);
  }

  boolean isEmpty() {
    return timers.isEmpty();
  }

  void addTo(BatchResult.Builder result) {
    for (BatchTimers each : timers.values()) {
      var changes = each.finish();
      if (changes != null) result.addTimers(changes);
    }
  }
}
