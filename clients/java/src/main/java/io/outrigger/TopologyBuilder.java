package io.outrigger;

import io.outrigger.gen.v1.Node;
import io.outrigger.gen.v1.Store;
import io.outrigger.gen.v1.StoreKind;
import io.outrigger.gen.v1.Topology;
import io.outrigger.gen.v1.Welcome;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The topology under construction: what is declared to the sidecar, and the code that runs here. */
final class TopologyBuilder {
  private static final int TIMERS_SINCE_MINOR = 6;

  private final Map<String, TopologyNode> nodes = new LinkedHashMap<>();
  private final List<Node> declared = new ArrayList<>();
  private final Map<String, Store> stores = new LinkedHashMap<>();
  final Hooks hooks = new Hooks();

  /** How streams are read and written that name no serdes. */
  final SerdePair defaults;
  private boolean isFrozen;

  TopologyBuilder(SerdePair defaults) {
    this.defaults = defaults;
  }

  /** By name, in the order of their declaration. */
  Map<String, TopologyNode> nodes() {
    return nodes;
  }

  /**
   * Adds a node under its parents.
   *
   * @param given its name; null makes one that stays the same as long as the order of the calls does
   * @param parents the parents' names; none for a source
   */
  TopologyNode add(String given, Node.Builder node, List<String> parents, SerdePair input) {
    mustBeOpen();
    String name = given == null ? freeName(node) : given;
    mustBeFree(name);
    node.setName(name);
    node.addAllParents(parents);
    for (String parent : parents) nodes.get(parent).children.add(name);
    declared.add(node.build());
    TopologyNode added = new TopologyNode(name, input);
    nodes.put(name, added);
    return added;
  }

  /** Adds a hook, which hangs together with the others only when the topology is whole. */
  TopologyNode addHook(String name, SerdePair requests) {
    mustBeOpen();
    mustBeFree(name);
    TopologyNode added = new TopologyNode(name, requests);
    nodes.put(name, added);
    return added;
  }

  private void mustBeFree(String name) {
    if (!nodes.containsKey(name)) return;
    throw new IllegalArgumentException(
        "two nodes are named \"" + name + "\": give one another name");
  }

  void addStore(String name, StoreKind kind) {
    addStore(Store.newBuilder().setName(name).setKind(kind).build());
  }

  /** Declares a store that a processor reads and writes. */
  void addStore(StoreDefinition definition) {
    if (definition instanceof TimestampedKeyValueStoreDefinition<?, ?> timestamped) {
      addStore(
          Store.newBuilder()
              .setName(definition.name())
              .setKind(StoreKind.STORE_KIND_TIMESTAMPED_KEY_VALUE)
              .setTtlMs(timestamped.ttlMs())
              .build());
    } else {
      addStore(definition.name(), StoreKind.STORE_KIND_KEY_VALUE);
    }
  }

  private void addStore(Store store) {
    mustBeOpen();
    Store known = stores.putIfAbsent(store.getName(), store);
    if (known != null && !known.equals(store)) {
      throw new IllegalArgumentException(
          "the store \"" + store.getName() + "\" is declared as two kinds: give one another name");
    }
  }

  /** A name that stays the same as long as the order of the calls does. */
  String storeName(String given, String what) {
    return given == null ? numbered(what + "-store", stores.size()) : given;
  }

  /** Rejects a sidecar that is too old: it would leave timers out without a word. */
  boolean isServedBy(Welcome welcome, Session.Host host) {
    int minor = welcome.getProtocolMinor();
    boolean isTimed = nodes.values().stream().anyMatch(node -> node.hasTimers);
    if (!isTimed || minor >= TIMERS_SINCE_MINOR) return true;
    String text =
        "the sidecar speaks outrigger.v1 minor version %d, and timers need %d: run a newer sidecar";
    host.rejected(
        new OutriggerRejectedException(
            "PROTOCOL_VERSION", String.format(text, minor, TIMERS_SINCE_MINOR)));
    return false;
  }

  /** What is declared to the sidecar; nothing can be added from then on. */
  Topology build() {
    isFrozen = true;
    Topology.Builder topology = Topology.newBuilder().addAllNodes(declared);
    topology.addAllNodes(hooks.nodes(declared));
    topology.addAllStores(stores.values());
    return topology.build();
  }

  private String freeName(Node.Builder node) {
    return numbered(node.getKindCase().name().toLowerCase(Locale.ROOT), nodes.size());
  }

  private static String numbered(String what, int before) {
    return String.format(Locale.ROOT, "%s-%02d", what, before + 1);
  }

  private void mustBeOpen() {
    if (!isFrozen) return;
    throw new IllegalStateException(
        "the application has started: declare every stream before start() or run()");
  }
}
