package io.outrigger;

import java.util.List;

/**
 * One node of a stage in one task: runs its code, and its children after it; or it writes, to a node that is
 * not of the stage.
 */
final class Emitter {
  /** The sink of a node that runs here. */
  private static final int NONE = -1;

  final TopologyNode node;
  final BatchRun run;
  private Emitter[] children = {};
  private final int sink;

  /** Made when the first record comes, so that a processor which cannot be made fails a record. */
  private NodeCode code;

  private Emitter(TopologyNode node, BatchRun run, int sink) {
    this.node = node;
    this.run = run;
    this.sink = sink;
  }

  /** The emitter of a node that runs here: one for each, however many parents it has. */
  static Emitter of(String name, BatchRun run) {
    Emitter known = run.emitters.get(name);
    if (known != null) return known;
    Emitter emitter = new Emitter(run.node(name), run, NONE);
    run.emitters.put(name, emitter);
    emitter.children =
        emitter.node.children.stream().map(child -> below(child, run)).toArray(Emitter[]::new);
    return emitter;
  }

  /** Writes where the stage says so, whether the node has code or not: that of another stage. */
  private static Emitter below(String name, BatchRun run) {
    int sink = run.sinks().indexOf(name);
    return sink < 0 ? of(name, run) : new Emitter(run.nodes.get(name), run, sink);
  }

  Emitter child(int index) {
    return children[index];
  }

  /** Reads a row, as a stage's entry does, and runs it. */
  void enter(SegmentReader segment, int index) throws Exception {
    if (run.timers.isOf(node, segment.source())) {
      fire(segment, index);
      return;
    }
    Record<Object, Object> record;
    try {
      record = segment.record(index, node.input);
    } catch (Throwable error) {
      run.failedNodes.add(node.name, error);
      throw error;
    }
    run(record);
  }

  /** The same of a row that tells of a timer or a punctuation. */
  private void fire(SegmentReader segment, int index) throws Exception {
    try {
      Firing firing = segment.firing(index);
      if (!node.knows(firing)) return;
      Record<Object, Object> record = segment.fired(index, firing, node.input.key());
      if (code == null) code = node.code.get();
      code.fire(record, firing, this);
    } catch (Throwable error) {
      run.failedNodes.add(node.name, error);
      throw error;
    }
  }

  /** Hands a record to this node. */
  void run(Record<Object, Object> record) throws Exception {
    try {
      if (sink != NONE) {
        write(node.name, node.input, sink, record);
        return;
      }
      if (code == null) code = node.code.get();
      code.run(record, this);
    } catch (Throwable error) {
      run.failedNodes.add(node.name, error);
      throw error;
    }
  }

  /** Hands a record to the children, depth first, in the order in which they were declared. */
  void forward(Record<Object, Object> record) throws Exception {
    for (Emitter child : children) child.run(record);
  }

  /** Folds a record into each of its slots, and forwards each new value. */
  void fold(Record<Object, Object> record, Fold fold) throws Exception {
    if (fold.skipsNull() && record.value() == null) return;
    BatchState state = run.state(fold.store());
    int count = state.slotCount(run.row());
    if (fold.merger() != null) {
      foldSession(record, fold, state, count);
      return;
    }
    for (int which = 0; which < count; which++) {
      int slot = state.slot(run.row(), which);
      keep(record, fold, state, slot, fold.next(record, fold.read(state, slot)));
    }
  }

  /** Merges the sessions that the record joins into the last slot, which is that of the whole. */
  private void foldSession(Record<Object, Object> record, Fold fold, BatchState state, int count)
      throws Exception {
    if (count == 0) return;
    Object aggregate = fold.initializer().apply();
    for (int which = 0; which < count; which++) {
      int slot = state.slot(run.row(), which);
      Object session = fold.read(state, slot);
      if (session == null) continue;
      aggregate = fold.merger().apply(record.key(), aggregate, session);
      if (which < count - 1) keep(record, fold, state, slot, null);
    }
    Object value = fold.aggregator().apply(record.key(), record.value(), aggregate);
    keep(record, fold, state, state.slot(run.row(), count - 1), value);
  }

  /** Puts a value into its slot, and forwards it under its window. Null deletes, and is forwarded. */
  private void keep(
      Record<Object, Object> record, Fold fold, BatchState state, int slot, Object value)
      throws Exception {
    state.putSlot(slot, value == null ? null : fold.serde().serialize(value));
    Object key = record.key();
    if (fold.windows() == null) {
      forward(record.followedBy(key, value));
      return;
    }
    Window window = fold.windows().window(state, slot);
    Record<Object, Object> next = record.followedBy(new Windowed<>(key, window), value);
    // As Kafka Streams: at the session's end, and without the headers of any of its records.
    forward(fold.merger() == null ? next : next.withTimestamp(window.end()).withHeaders(List.of()));
  }

  /** Asks a hook: an output of the record that is being processed, and undone with it. */
  void request(String hook, Record<Object, Object> request) {
    TopologyNode asked = run.nodes.get(hook);
    if (asked == null || asked.hook == null) {
      throw new IllegalArgumentException(
          "there is no hook \"" + hook + "\" in this application: declare it with afterCommit");
    }
    int index = run.sinks().indexOf(hook);
    if (index < 0) {
      throw new IllegalStateException("the sidecar's stage has no sink \"" + hook + "\"");
    }
    write(hook, asked.hook, index, request);
  }

  private void write(String to, SerdePair serdes, int index, Record<Object, Object> record) {
    List<Header> headers = run.isTracing() ? run.traced(record.headers()) : record.headers();
    byte[] key = written("key", to, serdes.key(), record.key(), record);
    byte[] value = written("value", to, serdes.value(), record.value(), record);
    run.write(index, key, value, record.timestamp(), headers);
  }

  private byte[] written(
      String what, String to, Serde<Object> serde, Object object, Record<?, ?> record) {
    try {
      return serde.serialize(object);
    } catch (ClassCastException error) {
      throw new SerializationException(
          String.format(
              "the %s for \"%s\" is no object of the serde that is to write it: name its own by Grouped, "
                  + "Repartitioned or Produced; %s",
              what, to, error.getMessage()),
          error);
    } catch (RuntimeException error) {
      throw new SerializationException(
          String.format(
              "the %s for the sink \"%s\" from %s cannot be written: %s",
              what, to, record.idempotencyKey(), error.getMessage()),
          error);
    }
  }
}
