package io.outrigger;

import io.outrigger.gen.v1.Punctuator;
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

  /** What a clock calls it for. */
  List<Punctuator> punctuators = List.of();

  /** Whether its code is called for it: it may be of an older version of the application. */
  boolean knows(Firing firing) {
    if (!firing.isPunctuation()) return hasTimers;
    return punctuators.stream()
        .anyMatch(
            each ->
                each.getName().equals(firing.name()) && each.getClock() == firing.clock().wire);
  }

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
