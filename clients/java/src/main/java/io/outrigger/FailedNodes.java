package io.outrigger;

import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Which node each error of a batch came from: who says so first is the innermost. A row of which
 * something has failed is the last of its batch.
 */
final class FailedNodes {
  private final Map<Throwable, String> nodes = new IdentityHashMap<>();

  void add(String node, Throwable error) {
    nodes.putIfAbsent(error, node);
  }

  /** The node of the first cause that has one; null where none has. */
  String innermost(Throwable error) {
    String found = null;
    for (Throwable cause : Failures.causesOf(error)) found = nodes.getOrDefault(cause, found);
    return found;
  }

  void clear() {
    nodes.clear();
  }
}
