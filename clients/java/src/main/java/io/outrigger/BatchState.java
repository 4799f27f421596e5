package io.outrigger;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.outrigger.gen.v1.KeyRange;
import io.outrigger.gen.v1.Mutations;
import io.outrigger.gen.v1.StateRequest;
import io.outrigger.gen.v1.StateResponse;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One store within one batch: the values that travelled, what the batch has written since, and what
 * was asked for. A key has one entry, whether it is named by slot or by its bytes.
 */
final class BatchState {
  /** Bytes that a mutation takes besides its key and value, at most. */
  private static final int OVERHEAD_BYTES = 24;

  /** Told apart from every value by being this one object. */
  private static final byte[] DELETED = {};

  private final ReceivedState columns;
  private final List<ReceivedSegment> segments;
  private final AskState ask;

  /** Where each row's slots begin; null where each row has one. */
  private final int[] rowStarts;

  /** The row at hand, and the place of it that is known: a segment, and its first row. */
  private int row;

  private int segment;
  private int segmentStart;

  /** What the batch has written, by slot: null where nothing. */
  private final byte[][] writtenSlots;

  /** Of the record at hand: slots that it wrote, and what was there before. */
  private final IntList undoSlots = new IntList();

  private byte[][] undoValues = new byte[1][];
  private final Map<ByteString, byte[]> writtenKeys = new LinkedHashMap<>();

  /** Of the record at hand: keys without a slot, and what was there before it; null for nothing. */
  private final Map<ByteString, byte[]> undoKeys = new HashMap<>();

  private final Map<ByteString, byte[]> asked = new HashMap<>();
  private Map<ByteString, Integer> slotOfKey;
  private long bytes;
  private long bytesBefore;

  BatchState(ReceivedState columns, ReceivedBatch batch, AskState ask) {
    this.columns = columns;
    this.segments = batch.segments;
    this.ask = ask;
    this.writtenSlots = new byte[columns.values.count()][];
    this.rowStarts = columns.slotCounts.length == 0 ? null : startsOf(columns, batch.rows());
  }

  private static int[] startsOf(ReceivedState columns, int rows) {
    int[] starts = new int[rows + 1];
    for (int row = 0; row < rows; row++) starts[row + 1] = starts[row] + columns.slotCounts[row];
    return starts;
  }

  /** What the mutations will take in the result, at most. */
  long bytes() {
    return bytes;
  }

  /** How many slots a row has; none where its record came too late, or has no key. */
  int slotCount(int row) {
    return rowStarts == null ? 1 : rowStarts[row + 1] - rowStarts[row];
  }

  int slot(int row, int which) {
    int at = rowStarts == null ? row + which : rowStarts[row] + which;
    return columns.slots.length == 0 ? at : columns.slots[at];
  }

  /** Start of a slot's window in ms. */
  long windowStart(int slot) {
    if (columns.windowStarts.length > 0) return columns.windowStarts[slot];
    return columns.windowBase + columns.windowSteps[slot] * columns.windowUnitMs;
  }

  /** A session's end minus its start in ms. */
  long sessionLength(int slot) {
    return columns.sessionLengths.length == 0 ? 0 : columns.sessionLengths[slot];
  }

  /** A copy; null where the slot has no value. */
  byte[] getSlot(int slot) {
    byte[] written = writtenSlots[slot];
    return written == null ? columns.values.copy(slot) : valueOf(written);
  }

  /**
   * Writes a slot.
   *
   * @param value null deletes; it is copied
   */
  void putSlot(int slot, byte[] value) {
    byte[] before = writtenSlots[slot];
    if (undoSlots.count == undoValues.length) {
      undoValues = Arrays.copyOf(undoValues, 2 * undoValues.length);
    }
    undoValues[undoSlots.count] = before;
    undoSlots.add(slot);
    writtenSlots[slot] = entryOf(value);
    bytes += sizeOf(value) - sizeOf(before);
    if (before == null) bytes += OVERHEAD_BYTES;
  }

  /** A copy; null where the key has no value. Waits for the sidecar where the batch cannot tell. */
  byte[] getKey(byte[] key) {
    int own = ownSlot(key);
    if (own >= 0) return getSlot(own);
    ByteString name = ByteString.copyFrom(key);
    Integer slot = slotFor(name);
    if (slot != null) return getSlot(slot);
    byte[] known = writtenKeys.get(name);
    if (known == null) known = asked.get(name);
    if (known != null) return valueOf(known);
    StateResponse answer =
        ask.ask(StateRequest.newBuilder().setStore(columns.store).addKeys(name));
    boolean hasValue = answer.getAbsentCount() == 0 && answer.getValuesCount() > 0;
    byte[] found = hasValue ? answer.getValues(0).toByteArray() : null;
    asked.put(name, entryOf(found));
    return found;
  }

  /**
   * Writes a key.
   *
   * @param value null deletes; it is copied
   */
  void putKey(byte[] key, byte[] value) {
    int own = ownSlot(key);
    if (own >= 0) putSlot(own, value);
    else putNamed(ByteString.copyFrom(key), value);
  }

  private void putNamed(ByteString key, byte[] value) {
    Integer slot = slotFor(key);
    if (slot != null) {
      putSlot(slot, value);
      return;
    }
    byte[] before = writtenKeys.put(key, entryOf(value));
    // The first of a record's writes knows what was there before the record.
    if (!undoKeys.containsKey(key)) undoKeys.put(key, before);
    bytes += sizeOf(value) - sizeOf(before);
    if (before == null) bytes += key.size() + OVERHEAD_BYTES;
  }

  /** A page of a range, with what the batch has written up to now merged in by the sidecar. */
  StateResponse page(KeyRange.Builder range) {
    StateRequest.Builder request =
        StateRequest.newBuilder().setStore(columns.store).setRange(range);
    Mutations written = mutations();
    if (written != null) request.setWritten(written);
    return ask.ask(request);
  }

  /** The record is done: what it wrote stays. */
  void keep() {
    row += 1;
    undoSlots.count = 0;
    if (!undoKeys.isEmpty()) undoKeys.clear();
    bytesBefore = bytes;
  }

  /** The record failed: what it wrote never was. */
  void rollback() {
    while (undoSlots.count > 0) {
      int last = --undoSlots.count;
      writtenSlots[undoSlots.values[last]] = undoValues[last];
    }
    undoKeys.forEach(
        (key, before) -> {
          if (before == null) writtenKeys.remove(key);
          else writtenKeys.put(key, before);
        });
    undoKeys.clear();
    bytes = bytesBefore;
  }

  /** What the batch has changed; null when nothing. */
  private Mutations mutations() {
    if (bytes == 0) return null;
    Mutations.Builder mutations = Mutations.newBuilder().setStore(columns.store);
    for (int slot = 0; slot < writtenSlots.length; slot++) {
      if (writtenSlots[slot] == null) continue;
      mutations.addSlots(slot);
      addValue(mutations, writtenSlots[slot]);
    }
    writtenKeys.forEach(
        (key, entry) -> {
          mutations.addKeys(key);
          addValue(mutations, entry);
        });
    return mutations.build();
  }

  private static void addValue(Mutations.Builder mutations, byte[] entry) {
    if (entry == DELETED) mutations.addDeletes(mutations.getValuesCount());
    // Nobody changes an entry.
    mutations.addValues(UnsafeByteOperations.unsafeWrap(entry));
  }

  /** Writes what the batch has changed as a field of a result. */
  void writeMutations(WireWriter to) {
    if (bytes == 0) return;
    IntList slots = new IntList();
    for (int slot = 0; slot < writtenSlots.length; slot++) {
      if (writtenSlots[slot] != null) slots.add(slot);
    }
    IntList deletes = new IntList();
    int at = to.begin(7);
    to.uint(1, Integer.toUnsignedLong(columns.store));
    to.packed(2, slots.values, slots.count);
    for (ByteString key : writtenKeys.keySet()) to.delimited(3, key.toByteArray());
    for (int index = 0; index < slots.count; index++) {
      byte[] entry = writtenSlots[slots.values[index]];
      if (entry == DELETED) deletes.add(index);
      to.delimited(4, entry);
    }
    int index = slots.count;
    for (byte[] entry : writtenKeys.values()) {
      if (entry == DELETED) deletes.add(index);
      to.delimited(4, entry);
      index += 1;
    }
    to.packed(5, deletes.values, deletes.count);
    to.end(at);
  }

  /** The slot of the row at hand, where its key is this one; else -1. */
  private int ownSlot(byte[] key) {
    while (row - segmentStart >= segments.get(segment).count()) {
      segmentStart += segments.get(segment).count();
      segment += 1;
    }
    if (slotCount(row) == 0) return -1;
    return segments.get(segment).keys.is(row - segmentStart, key) ? slot(row, 0) : -1;
  }

  /** Other keys are looked up by bytes only when somebody asks so; then every row's key is indexed. */
  private Integer slotFor(ByteString key) {
    if (slotOfKey == null) {
      slotOfKey = new HashMap<>();
      int at = 0;
      for (ReceivedSegment each : segments) {
        for (int index = 0; index < each.count(); index++, at++) {
          if (slotCount(at) == 0 || each.keys.isNull(index)) continue;
          slotOfKey.put(each.keys.bytes(index), slot(at, 0));
        }
      }
    }
    return slotOfKey.get(key);
  }

  private static byte[] entryOf(byte[] value) {
    return value == null ? DELETED : value.clone();
  }

  private static byte[] valueOf(byte[] entry) {
    return entry == DELETED ? null : entry.clone();
  }

  private static int sizeOf(byte[] entry) {
    return entry == null ? 0 : entry.length;
  }
}
