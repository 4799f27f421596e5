package io.outrigger;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.Batch;
import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.Segment;
import io.outrigger.gen.v1.Stage;
import io.outrigger.gen.v1.StateColumns;
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
  private final List<Emitter> entries = new ArrayList<>();

  /** Of the nodes that run here, by name. */
  final Map<String, Emitter> emitters = new HashMap<>();

  private Batch batch;
  private BatchControl control;
  private Tracing tracing;
  private OutputList outputs;

  TimerSet timers;
  private final Map<String, BatchState> states = new HashMap<>();
  private int row;
  private long rowTimestamp;
  private List<Header> rowHeaders;
  private Throwable forwardFailure;

  final FailedNodes failedNodes = new FailedNodes();

  BatchRun(Map<String, TopologyNode> nodes, Welcome welcome, Stage stage) {
    this.nodes = nodes;
    this.welcome = welcome;
    this.stage = stage;
    bytesMax = Chunks.columnsBytesMax(welcome);
    for (String entry : stage.getEntriesList()) entries.add(Emitter.of(entry, this));
  }

  /** Runs one batch to its result; null when it was stopped. Throws only for a sidecar's fault. */
  BatchResult run(Batch next, AskState ask, BatchControl nextControl) {
    List<SegmentReader> segments = begin(next, ask, nextControl);
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
    return control.isStopped() ? null : result().build();
  }

  private List<SegmentReader> begin(Batch next, AskState ask, BatchControl nextControl) {
    batch = next;
    control = nextControl;
    tracing = Tracing.current();
    outputs = new OutputList();
    row = 0;
    forwardFailure = null;
    failedNodes.clear();
    List<SegmentReader> segments = new ArrayList<>(next.getSegmentsCount());
    for (Segment segment : next.getSegmentsList()) segments.add(new SegmentReader(welcome, segment));
    states.clear();
    timers = new TimerSet(welcome);
    int rows = segments.stream().mapToInt(SegmentReader::count).sum();
    for (StateColumns columns : next.getStatesList()) {
      if (columns.getStore() >= stage.getStoresCount() || columns.getStore() < 0) {
        throw new IllegalStateException("the sidecar's batch has no store " + columns.getStore());
      }
      BatchState.RowKeys keys = at -> keyOf(segments, at);
      states.put(stage.getStores(columns.getStore()), new BatchState(columns, rows, keys, ask));
    }
    return segments;
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
    for (BatchState state : states.values()) bytes += state.bytes();
    Chunks.checkResult(row + 1, bytes, bytesMax);
    outputs.keep();
    for (BatchState state : states.values()) state.keep();
    timers.keep();
    control.forgetActions();
    row += 1;
  }

  /** The row failed: what it did never was. */
  private BatchResult fail(Throwable error) {
    outputs.rollback();
    for (BatchState state : states.values()) state.rollback();
    timers.rollback();
    control.forgetActions();
    String node = failedNodes.innermost(error);
    // What no code threw, the size of a result, is the entry's where there is one.
    if (node == null) node = entries.size() == 1 ? entries.get(0).node.name : "";
    return result().setFailure(Failures.of(error, node)).build();
  }

  private BatchResult.Builder result() {
    BatchResult.Builder result =
        BatchResult.newBuilder()
            .setDispatchId(batch.getDispatchId())
            .setTaskEpoch(batch.getTaskEpoch())
            .setTaskId(batch.getTaskId())
            .setDone(row)
            .setOutputs(outputs.columns());
    for (BatchState state : states.values()) {
      var mutations = state.mutations();
      if (mutations != null) result.addMutations(mutations);
    }
    timers.addTo(result);
    return result;
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
    BatchState state = states.get(store);
    if (state != null) return state;
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

  void write(int sink, ByteString key, ByteString value, long timestamp, List<Header> headers) {
    boolean isInherited = headers == rowHeaders || headers.isEmpty() && rowHeaders.isEmpty();
    List<Header> own = isInherited ? null : headers;
    outputs.add(new Output(row, sink, key, value, timestamp, own), rowTimestamp);
  }

  /** Remembers that a forward failed: the record fails, whatever its handler makes of the exception. */
  RuntimeException failed(Throwable error) {
    if (forwardFailure == null) forwardFailure = error;
    return Failures.unchecked(error);
  }

  private static ByteString keyOf(List<SegmentReader> segments, int row) {
    int index = row;
    for (SegmentReader segment : segments) {
      if (index < segment.count()) return segment.key(index);
      index -= segment.count();
    }
    throw new IllegalStateException("the batch has no row " + row);
  }
}
