package io.outrigger;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.outrigger.gen.v1.Batch;
import io.outrigger.gen.v1.BatchResult;
import io.outrigger.gen.v1.ProcessRequest;
import io.outrigger.gen.v1.ProcessResponse;
import io.outrigger.gen.v1.RowHeaders;
import io.outrigger.gen.v1.Segment;
import io.outrigger.gen.v1.StateColumns;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("the codec by hand, against the generated code")
class CodecTest {
  private static final int SEEDS = 2_000;
  private static final int[] INTS = {0, 1, -1, 127, 128, 16_384, Integer.MIN_VALUE, Integer.MAX_VALUE};
  private static final long[] LONGS = {0, 1, -1, 300, 1L << 35, Long.MIN_VALUE, Long.MAX_VALUE};

  private final Random random = new Random(1);

  private int anInt() {
    return INTS[random.nextInt(INTS.length)];
  }

  private long aLong() {
    return LONGS[random.nextInt(LONGS.length)];
  }

  private byte[] someBytes() {
    byte[] bytes = new byte[random.nextInt(8) == 0 ? 200 : random.nextInt(4)];
    random.nextBytes(bytes);
    return bytes;
  }

  private ByteString bytes() {
    return ByteString.copyFrom(someBytes());
  }

  private List<Integer> someOf(int count) {
    TreeSet<Integer> chosen = new TreeSet<>();
    for (int index = 0; index < count; index++) if (random.nextInt(4) == 0) chosen.add(index);
    return List.copyOf(chosen);
  }

  private Segment.Builder segment() {
    int rows = random.nextInt(6);
    Segment.Builder segment =
        Segment.newBuilder()
            .setSource(anInt())
            .setPartition(anInt())
            .setBaseOffset(aLong())
            .setBaseTimestamp(aLong())
            .addAllNullKeys(someOf(rows))
            .addAllNullValues(someOf(rows));
    boolean hasDeltas = random.nextBoolean();
    for (int row = 0; row < rows; row++) {
      segment.addKeys(bytes()).addValues(bytes());
      if (hasDeltas) segment.addOffsetDeltas(anInt()).addTimestampDeltas(anInt());
      if (random.nextInt(4) > 0) continue;
      RowHeaders.Builder headers = RowHeaders.newBuilder().setRow(row);
      for (int count = random.nextInt(3); count > 0; count--) {
        var header = io.outrigger.gen.v1.Header.newBuilder().setKey("ключ-" + count);
        if (random.nextBoolean()) header.setValue(bytes());
        headers.addHeaders(header);
      }
      segment.addHeaders(headers);
    }
    return segment;
  }

  private StateColumns.Builder state() {
    int slots = 1 + random.nextInt(5);
    StateColumns.Builder state =
        StateColumns.newBuilder()
            .setStore(anInt())
            .addAllAbsent(someOf(slots))
            .setWindowBase(aLong())
            .setWindowUnitMs(aLong());
    boolean hasSlots = random.nextBoolean();
    for (int slot = 0; slot < slots; slot++) {
      state.addValues(bytes()).addWindowSteps(anInt()).addWindowStarts(aLong());
      state.addSessionLengths(aLong());
      if (hasSlots) state.addSlots(random.nextInt(slots)).addSlotCounts(random.nextInt(2));
    }
    return state;
  }

  private Batch batch() {
    Batch.Builder batch =
        Batch.newBuilder()
            .setDispatchId(aLong())
            .setTaskEpoch(anInt())
            .setTaskId(random.nextBoolean() ? "1_23" : "")
            .setStage(anInt())
            .setProcessingTimeoutMs(anInt());
    for (int count = random.nextInt(3); count > 0; count--) batch.addSegments(segment());
    for (int count = random.nextInt(3); count > 0; count--) batch.addStates(state());
    return batch.build();
  }

  private static void same(Batch expected, ReceivedBatch read) {
    assertEquals(expected.getDispatchId(), read.dispatchId);
    assertEquals(expected.getTaskEpoch(), read.taskEpoch);
    assertEquals(expected.getTaskId(), read.taskId);
    assertEquals(expected.getStage(), read.stage);
    assertEquals(expected.getSegmentsCount(), read.segments.size());
    for (int index = 0; index < read.segments.size(); index++) {
      same(expected.getSegments(index), read.segments.get(index));
    }
    assertEquals(expected.getStatesCount(), read.states.size());
    for (int index = 0; index < read.states.size(); index++) {
      same(expected.getStates(index), read.states.get(index));
    }
  }

  private static void same(Segment expected, ReceivedSegment read) {
    assertEquals(expected.getSource(), read.source);
    assertEquals(expected.getPartition(), read.partition);
    assertEquals(expected.getBaseOffset(), read.baseOffset);
    assertEquals(expected.getBaseTimestamp(), read.baseTimestamp);
    same(expected.getKeysList(), expected.getNullKeysList(), read.keys);
    same(expected.getValuesList(), expected.getNullValuesList(), read.values);
    same(expected.getOffsetDeltasList(), read.offsetDeltas);
    same(expected.getTimestampDeltasList(), read.timestampDeltas);
    assertEquals(expected.getHeadersCount(), read.headers.size());
    for (RowHeaders row : expected.getHeadersList()) {
      List<Header> headers = read.headers.get(row.getRow());
      assertEquals(row.getHeadersCount(), headers.size());
      for (int index = 0; index < headers.size(); index++) {
        var header = row.getHeaders(index);
        assertEquals(header.getKey(), headers.get(index).key());
        byte[] value = header.hasValue() ? header.getValue().toByteArray() : null;
        assertArrayEquals(value, headers.get(index).value());
      }
    }
  }

  private static void same(StateColumns expected, ReceivedState read) {
    assertEquals(expected.getStore(), read.store);
    same(expected.getValuesList(), expected.getAbsentList(), read.values);
    same(expected.getSlotsList(), read.slots);
    same(expected.getSlotCountsList(), read.slotCounts);
    assertEquals(expected.getWindowBase(), read.windowBase);
    assertEquals(expected.getWindowUnitMs(), read.windowUnitMs);
    same(expected.getWindowStepsList(), read.windowSteps);
    assertEquals(
        expected.getWindowStartsList(), LongStream.of(read.windowStarts).boxed().toList());
    assertEquals(
        expected.getSessionLengthsList(), LongStream.of(read.sessionLengths).boxed().toList());
  }

  private static void same(List<ByteString> expected, List<Integer> nulls, Column read) {
    assertEquals(expected.size(), read.count());
    for (int index = 0; index < read.count(); index++) {
      assertEquals(nulls.contains(index), read.isNull(index));
      if (nulls.contains(index)) {
        assertNull(read.copy(index));
        assertNull(read.bytes(index));
        continue;
      }
      assertArrayEquals(expected.get(index).toByteArray(), read.copy(index));
      assertEquals(expected.get(index), read.bytes(index));
      assertTrue(read.is(index, expected.get(index).toByteArray()));
    }
  }

  private static void same(List<Integer> expected, int[] read) {
    assertEquals(expected, IntStream.of(read).boxed().toList());
  }

  private static ProcessResponse frameOf(Batch batch) {
    return ProcessResponse.newBuilder().setBatch(batch).build();
  }

  @Test
  @DisplayName("reads batches of every shape")
  void reads() throws Exception {
    for (int seed = 0; seed < SEEDS; seed++) {
      Batch batch = batch();
      same(batch, ReceivedFrame.read(frameOf(batch).toByteArray()).batch());
    }
  }

  @Test
  @DisplayName("reads a batch in pieces, and one behind another frame, as the generated code")
  void readsPieces() throws Exception {
    for (int seed = 0; seed < 200; seed++) {
      ByteString first = frameOf(batch()).toByteString();
      ByteString pieces = first.concat(frameOf(batch()).toByteString());
      same(ProcessResponse.parseFrom(pieces).getBatch(), ReceivedFrame.read(pieces.toByteArray()).batch());
      ByteString drain = ByteString.copyFrom(new byte[] {6 << 3 | 2, 0});
      ByteString both = drain.concat(first);
      same(ProcessResponse.parseFrom(both).getBatch(), ReceivedFrame.read(both.toByteArray()).batch());
    }
  }

  /** What of a message that was changed at random both take is the same to both. */
  @Test
  @DisplayName("takes nothing that the generated code does not, and reads the same in it")
  void readsDamaged() throws Exception {
    int taken = 0;
    for (int seed = 0; seed < 20 * SEEDS; seed++) {
      byte[] bytes = frameOf(batch()).toByteArray();
      int cut = random.nextInt(4) == 0 ? random.nextInt(bytes.length + 1) : bytes.length;
      bytes = java.util.Arrays.copyOf(bytes, cut);
      for (int count = random.nextInt(3); count > 0 && cut > 0; count--) {
        bytes[random.nextInt(cut)] = (byte) random.nextInt(256);
      }
      ReceivedFrame read = readOrNull(bytes);
      if (read == null) continue;
      ProcessResponse expected = ProcessResponse.parseFrom(bytes);
      assertEquals(expected.hasBatch(), read.batch() != null);
      if (read.batch() == null) assertEquals(expected, read.message());
      else same(withoutDoubles(expected.getBatch()), read.batch());
      taken += 1;
    }
    assertTrue(taken > SEEDS, "but " + taken);
  }

  /** Of a row's headers that come twice, the last count. */
  private static Batch withoutDoubles(Batch batch) {
    Batch.Builder builder = batch.toBuilder();
    for (Segment.Builder segment : builder.getSegmentsBuilderList()) {
      var byRow = new java.util.LinkedHashMap<Integer, RowHeaders>();
      for (RowHeaders row : segment.getHeadersList()) byRow.put(row.getRow(), row);
      segment.clearHeaders().addAllHeaders(byRow.values());
    }
    return builder.build();
  }

  private static ReceivedFrame readOrNull(byte[] bytes) {
    try {
      return ReceivedFrame.read(bytes);
    } catch (InvalidProtocolBufferException error) {
      return null;
    }
  }

  private static String refused(Batch.Builder batch) {
    byte[] bytes = frameOf(batch.build()).toByteArray();
    return assertThrows(InvalidProtocolBufferException.class, () -> ReceivedFrame.read(bytes))
        .getMessage();
  }

  @Test
  @DisplayName("refuses columns that do not agree")
  void refusesColumns() {
    Segment.Builder one = Segment.newBuilder().addKeys(bytes()).addValues(bytes());
    Segment.Builder odd = Segment.newBuilder().addKeys(bytes());
    assertEquals("a segment has 1 keys and 0 values", refused(Batch.newBuilder().addSegments(odd)));
    assertEquals(
        "null_keys holds 1, of 1 elements",
        refused(Batch.newBuilder().addSegments(one.clone().addNullKeys(1))));
    Segment.Builder two = one.clone().addKeys(bytes()).addValues(bytes());
    assertEquals(
        "timestamp_deltas holds 1, of 2 rows",
        refused(Batch.newBuilder().addSegments(two.addTimestampDeltas(1))));
    StateColumns.Builder state = StateColumns.newBuilder().addValues(bytes());
    assertEquals(
        "slots holds 4294967295, of 1 values",
        refused(Batch.newBuilder().addStates(state.clone().addSlots(-1))));
    assertEquals(
        "slot_counts adds up to 2, of 1 slots",
        refused(Batch.newBuilder().addStates(state.clone().addSlotCounts(2))));
    assertEquals(
        "absent holds 1, of 1 elements", refused(Batch.newBuilder().addStates(state.addAbsent(1))));
  }

  /** One output of a result, as it was added. */
  private record Written(
      int row, int sink, byte[] key, byte[] value, long timestamp, List<Header> headers) {}

  private Written written(int row, boolean isPlain) {
    List<Header> headers = null;
    if (!isPlain && random.nextInt(4) == 0) {
      headers = new ArrayList<>();
      for (int count = random.nextInt(3); count > 0; count--) {
        byte[] value = random.nextBoolean() ? someBytes() : null;
        headers.add(new Header(random.nextBoolean() ? "" : "h\u00e9-" + count, value));
      }
    }
    return new Written(
        row,
        isPlain ? 0 : random.nextInt(3),
        random.nextInt(5) == 0 ? null : someBytes(),
        random.nextInt(5) == 0 ? null : someBytes(),
        isPlain ? 1_000 : random.nextBoolean() ? 1_000 : aLong(),
        headers);
  }

  @Test
  @DisplayName("writes results that the generated code reads, of a frame that is used again")
  void writes() throws Exception {
    ResultFrames frames = new ResultFrames();
    for (int seed = 0; seed < SEEDS; seed++) {
      ResultFrame frame = frames.take();
      boolean isPlain = random.nextBoolean();
      List<Written> kept = new ArrayList<>();
      int rows = random.nextInt(40) == 0 ? 1_500 : random.nextInt(6);
      for (int row = 0; row < rows; row++) {
        List<Written> ofRow = new ArrayList<>();
        for (int count = random.nextInt(3); count > 0; count--) ofRow.add(written(row, isPlain));
        for (Written each : ofRow) {
          frame.outputs.add(
              each.row, each.sink, each.key, each.value, each.timestamp, 1_000, each.headers);
        }
        if (random.nextInt(3) == 0) {
          frame.outputs.rollback();
        } else {
          frame.outputs.keep();
          kept.addAll(ofRow);
        }
      }
      ReceivedBatch batch = ReceivedFrame.read(frameOf(batch()).toByteArray()).batch();
      long bytesMost = frame.outputs.bytes();
      BatchResult rest = seed % 3 == 0 ? failed() : null;
      SentFrame sent = frame.encode(batch, rows, new BatchState[0], rest);
      BatchResult result = ProcessRequest.parseFrom(sent.stream()).getResult();
      assertEquals(batch.dispatchId, result.getDispatchId());
      assertEquals(batch.taskEpoch, result.getTaskEpoch());
      assertEquals(batch.taskId, result.getTaskId());
      assertEquals(rows, result.getDone());
      assertEquals(rest != null, result.hasFailure());
      assertTrue(result.getOutputs().getSerializedSize() <= bytesMost);
      same(kept, result.getOutputs(), isPlain);
      sent.release();
    }
  }

  private static BatchResult failed() {
    return BatchResult.newBuilder().setFailure(Failures.of(new Error("x"), "node")).build();
  }

  private static void same(List<Written> kept, io.outrigger.gen.v1.Outputs read, boolean isPlain) {
    assertEquals(kept.size(), read.getInputsCount());
    assertEquals(kept.size(), read.getKeysCount());
    assertEquals(kept.size(), read.getValuesCount());
    if (isPlain) assertEquals(0, read.getSinksCount() + read.getTimestampsCount());
    int headers = 0;
    for (int index = 0; index < kept.size(); index++) {
      Written each = kept.get(index);
      assertEquals(each.row, read.getInputs(index));
      assertEquals(each.sink, read.getSinksCount() == 0 ? 0 : read.getSinks(index));
      assertEquals(each.key == null, read.getNullKeysList().contains(index));
      assertEquals(each.value == null, read.getNullValuesList().contains(index));
      if (each.key != null) assertArrayEquals(each.key, read.getKeys(index).toByteArray());
      if (each.value != null) assertArrayEquals(each.value, read.getValues(index).toByteArray());
      long timestamp = read.getTimestampsCount() == 0 ? 1_000 : read.getTimestamps(index);
      assertEquals(each.timestamp, timestamp);
      if (each.headers == null) continue;
      RowHeaders row = read.getHeaders(headers++);
      assertEquals(index, row.getRow());
      assertEquals(each.headers.size(), row.getHeadersCount());
      for (int at = 0; at < each.headers.size(); at++) {
        byte[] value = row.getHeaders(at).hasValue() ? row.getHeaders(at).getValue().toByteArray() : null;
        assertEquals(each.headers.get(at).key(), row.getHeaders(at).getKey());
        assertArrayEquals(each.headers.get(at).value(), value);
      }
    }
    assertEquals(headers, read.getHeadersCount());
  }
}
