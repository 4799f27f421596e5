package io.outrigger;

import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Failure;
import io.outrigger.gen.v1.Stage;
import io.outrigger.gen.v1.Welcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the batches of one stage in one task, one after the other: its processors live as long as the
 * task. Used by one thread at a time.
 */
final class BatchRun {
  final Map<String, TopologyNode> nodes;
  private final Welcome welcome;
  private final Stage stage;
  private final long bytesMax;
  private final ResultFrames frames;
  private final Emitter[] entries;

  /** Of the nodes that run here, by name. */
  final Map<String, Emitter> emitters = new HashMap<>();

  private ReceivedBatch batch;
  private BatchControl control;
  private Tracing tracing;
  private ResultFrame frame;
  private Outputs outputs;

  TimerSet timers;

  /** Of the stores that the batch has columns of; {@code stores} has their names. */
  private BatchState[] states = {};

  private final List<String> stores = new ArrayList<>();
  private int row;
  private long rowTimestamp;
  private List<Header> rowHeaders;
  private Throwable forwardFailure;

  final FailedNodes failedNodes = new FailedNodes();

  BatchRun(
      Map<String, TopologyNode> nodes, Welcome welcome, Stage stage, ResultFrames frames) {
    this.nodes = nodes;
    this.welcome = welcome;
    this.stage = stage;
    bytesMax = Chunks.columnsBytesMax(welcome);
    this.frames = frames;
    entries =
        stage.getEntriesList().stream().map(entry -> Emitter.of(entry, this)).toArray(Emitter[]::new);
  }

  /** Runs one batch to its result; null when it was stopped. Throws only for a sidecar's fault. */
  SentFrame run(ReceivedBatch next, AskState ask, BatchControl nextControl) {
    frame = frames.take();
    outputs = frame.outputs;
    SentFrame result = null;
    try {
      result = runRows(begin(next, ask, nextControl));
    } finally {
      if (result == null) frame.release();
      // Whoever writes now is too late, and would write into the result of another batch.
      frame = null;
      outputs = null;
    }
    return result;
  }

  private SentFrame runRows(List<SegmentReader> segments) {
    for (SegmentReader segment : segments) {
      for (int index = 0; index < segment.count(); index++) {
        if (control.isStopped()) return null;
        try {
          process(segment, index);
          keep();
        } catch (Throwable error) {
          Failures.throwIfFatal(error);
          return control.isStopped() ? null : fail(error);
        }
      }
    }
    return control.isStopped() ? null : result(null);
  }

  private List<SegmentReader> begin(ReceivedBatch next, AskState ask, BatchControl nextControl) {
    batch = next;
    control = nextControl;
    tracing = Tracing.current();
    row = 0;
    forwardFailure = null;
    failedNodes.clear();
    List<SegmentReader> segments = new ArrayList<>(next.segments.size());
    for (ReceivedSegment segment : next.segments) segments.add(new SegmentReader(welcome, segment));
    timers = new TimerSet(welcome);
    beginStates(ask);
    return segments;
  }

  private void beginStates(AskState ask) {
    stores.clear();
    states = new BatchState[batch.states.size()];
    for (ReceivedState columns : batch.states) {
      if (columns.store >= stage.getStoresCount() || columns.store < 0) {
        throw new IllegalStateException("the sidecar's batch has no store " + columns.store);
      }
      states[stores.size()] = new BatchState(columns, batch, ask);
      stores.add(stage.getStores(columns.store));
    }
  }

  private void process(SegmentReader segment, int index) throws Exception {
    rowTimestamp = segment.timestamp(index);
    rowHeaders = segment.headers(index);
    if (tracing == null) {
      enter(segment, index);
      return;
    }
    try (var scope = tracing.inContextOf(rowHeaders)) {
      enter(segment, index);
    }
  }

  private void enter(SegmentReader segment, int index) throws Exception {
    for (Emitter entry : entries) {
      String store = entry.node.aggregates;
      // Late, or without a key: the sidecar has said so, and nothing of the record is even read.
      if (store != null && state(store).slotCount(row) == 0) continue;
      entry.enter(segment, index);
    }
  }

  /** The row is done: what it did stays. Throws where it failed, or its result would not fit a frame. */
  private void keep() throws Throwable {
    if (forwardFailure != null) throw forwardFailure;
    long bytes = outputs.bytes() + timers.bytes();
    for (BatchState state : states) bytes += state.bytes();
    Chunks.checkResult(row + 1, bytes, bytesMax);
    outputs.keep();
    for (BatchState state : states) state.keep();
    timers.keep();
    control.forgetActions();
    row += 1;
  }

  /** The row failed: what it did never was. */
  private SentFrame fail(Throwable error) {
    outputs.rollback();
    for (BatchState state : states) state.rollback();
    timers.rollback();
    control.forgetActions();
    String node = failedNodes.innermost(error);
    // What no code threw, the size of a result, is the entry's where there is one.
    if (node == null) node = entries.length == 1 ? entries[0].node.name : "";
    return result(Failures.of(error, node));
  }

  /**
   * The result of the rows that are done.
   *
   * @param failure null where none has failed
   */
  private SentFrame result(Failure failure) {
    if (failure == null && timers.isEmpty()) return frame.encode(batch, row, states, null);
    BatchResult.Builder rest = BatchResult.newBuilder();
    if (failure != null) rest.setFailure(failure);
    timers.addTo(rest);
    return frame.encode(batch, row, states, rest.build());
  }

  TopologyNode node(String name) {
    TopologyNode node = nodes.get(name);
    if (node != null && node.runsHere()) return node;
    throw new IllegalStateException(
        "the sidecar's stage has a node \"" + name + "\", which does not run here");
  }

  /** The names of the nodes that outputs go to, by index. */
  List<String> sinks() {
    return stage.getSinksList();
  }

  BatchState state(String store) {
    // A stage has a store or two.
    for (int index = 0; index < states.length; index++) {
      if (stores.get(index).equals(store)) return states[index];
    }
    throw new IllegalStateException(
        "the sidecar's batch carries no state of the store \"" + store + "\"");
  }

  int row() {
    return row;
  }

  BatchControl control() {
    return control;
  }

  boolean isTracing() {
    return tracing != null;
  }

  List<Header> traced(List<Header> headers) {
    return tracing.withContext(headers);
  }

  void write(int sink, byte[] key, byte[] value, long timestamp, List<Header> headers) {
    boolean isInherited = headers == rowHeaders || headers.isEmpty() && rowHeaders.isEmpty();
    List<Header> own = isInherited ? null : headers;
    outputs.add(row, sink, key, value, timestamp, rowTimestamp, own);
  }

  /** Remembers that a forward failed: the record fails, whatever its handler makes of the exception. */
  RuntimeException failed(Throwable error) {
    if (forwardFailure == null) forwardFailure = error;
    return Failures.unchecked(error);
  }
}
