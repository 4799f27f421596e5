package io.outrigger;

import java.util.IdentityHashMap;
import java.util.Map;

/** Which node each error of a row came from: who says so first is the innermost. */
final class FailedNodes {
  private final Map<Throwable, String> nodes = new IdentityHashMap<>();

  void add(String node, Throwable error) {
    nodes.putIfAbsent(error, node);
  }

  /** The innermost: that of the first cause. */
  String of(Throwable error, String otherwise) {
    String found = otherwise;
    for (Throwable cause : Failures.causesOf(error)) found = nodes.getOrDefault(cause, found);
    return found;
  }

  void clear() {
    nodes.clear();
  }
}
