package io.outrigger;

import com.google.protobuf.ByteString;
import java.util.List;

/** One node of a stage in one task: runs its code, and its children after it. */
final class Emitter {
  final TopologyNode node;
  final BatchRun run;
  private final Emitter[] children;
  private final int sink;

  /** Made when the first record comes, so that a processor which cannot be made fails a record. */
  private NodeCode code;

  Emitter(String name, BatchRun run) {
    this.node = run.node(name);
    this.run = run;
    this.children =
        node.children.stream().map(child -> new Emitter(child, run)).toArray(Emitter[]::new);
    this.sink = node.sink == null ? 0 : run.sinkIndex(name);
  }

  /** Reads a row, as a stage's entry does, and runs it. */
  void enter(SegmentReader segment, int index) throws Exception {
    Record<Object, Object> record;
    try {
      record = segment.record(index, node.input);
    } catch (Throwable error) {
      run.failedNodes.add(node.name, error);
      throw error;
    }
    run(record);
  }

  /** Hands a record to this node. */
  void run(Record<Object, Object> record) throws Exception {
    try {
      if (node.code == null) {
        write(node.name, node.sink, sink, record);
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
    // As Kafka Streams: without windows a null value is no news. (Null keys have no slot.)
    if (fold.windows() == null && record.value() == null) return;
    BatchState state = run.state(fold.store());
    int count = state.slotCount(run.row());
    for (int which = 0; which < count; which++) {
      int slot = state.slot(run.row(), which);
      ByteString before = state.getSlot(slot);
      Object value = fold.next(record, before == null ? null : before.toByteArray());
      state.putSlot(slot, copyOf(value == null ? null : fold.serde().serialize(value)));
      Object key = record.key();
      if (fold.windows() != null) {
        long start = state.windowStart(slot);
        key = new Windowed<>(key, new Window(start, start + fold.windows().sizeMs()));
      }
      forward(record.followedBy(key, value));
    }
  }

  /** Asks a hook: an output of the record that is being processed, and undone with it. */
  void request(String hook, Record<Object, Object> request) {
    TopologyNode asked = run.nodes.get(hook);
    if (asked == null || asked.hook == null) {
      throw new IllegalArgumentException(
          "there is no hook \"" + hook + "\" in this application: declare it with afterCommit");
    }
    write(hook, asked.hook, run.sinkIndex(hook), request);
  }

  private void write(String to, SerdePair serdes, int index, Record<Object, Object> record) {
    List<Header> headers = run.isTracing() ? run.traced(record.headers()) : record.headers();
    ByteString key = written("key", to, serdes.key(), record.key(), record);
    ByteString value = written("value", to, serdes.value(), record.value(), record);
    run.write(index, key, value, record.timestamp(), headers);
  }

  private ByteString written(
      String what, String to, Serde<Object> serde, Object object, Record<?, ?> record) {
    try {
      return copyOf(serde.serialize(object));
    } catch (RuntimeException error) {
      throw new SerializationException(
          String.format(
              "the %s for the sink \"%s\" from %s cannot be written: %s",
              what, to, record.idempotencyKey(), error.getMessage()),
          error);
    }
  }

  /** A copy: whoever gave the bytes may write into them again. */
  static ByteString copyOf(byte[] bytes) {
    return bytes == null ? null : ByteString.copyFrom(bytes);
  }
}
