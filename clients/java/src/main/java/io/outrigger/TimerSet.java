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
    for (TimerSource each : welcome.getTimerSourcesList()) {
      if (each.getSource() == source) return each.getNode().equals(node.name);
    }
    return false;
  }

  BatchTimers of(String node) {
    return timers.computeIfAbsent(node, BatchTimers::new);
  }

  long bytes() {
    return timers.values().stream().mapToLong(BatchTimers::bytes).sum();
  }

  void keep() {
    timers.values().forEach(BatchTimers::keep);
  }

  void rollback() {
    timers.values().forEach(BatchTimers::rollback);
  }

  void addTo(BatchResult.Builder result) {
    for (BatchTimers each : timers.values()) {
      var changes = each.finish();
      if (changes != null) result.addTimers(changes);
    }
  }
}
