package io.outrigger;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** A node that runs here, or is written to; built-in nodes run in the sidecar. */
final class TopologyNode {
  final String name;
  final List<String> children = new ArrayList<>();

  /**
   * How the records that reach this node are read where it is a stage's entry, and written where it is none
   * of the stage's nodes.
   */
  final SerdePair input;

  /** Makes the code of one task; null for nodes that never run here. */
  Supplier<NodeCode> code;

  /** Whether its code sets timers. */
  boolean hasTimers;

  /** The stores that {@code getStateStore} opens. */
  Set<String> stores = Set.of();

  /** The store of an aggregate that runs here, else null. */
  String aggregates;

  /** Set for a hook: how its requests are written. */
  SerdePair hook;

  TopologyNode(String name, SerdePair input) {
    this.name = name;
    this.input = input;
  }

  boolean runsHere() {
    return code != null;
  }
}
