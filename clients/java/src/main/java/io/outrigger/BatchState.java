package io.outrigger;

import com.google.protobuf.ByteString;
import io.outrigger.gen.v1.KeyRange;
import io.outrigger.gen.v1.Mutations;
import io.outrigger.gen.v1.StateColumns;
import io.outrigger.gen.v1.StateRequest;
import io.outrigger.gen.v1.StateResponse;
import java.util.ArrayList;
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

  /** Told apart from every value by being this one object; its bytes mean nothing. */
  private static final ByteString DELETED = ByteString.copyFrom(new byte[] {0});

  private final StateColumns columns;
  private final int[] rowStarts;
  private final RowKeys rowKeys;
  private final AskState ask;

  /** What the batch has written, by slot: null where nothing. */
  private final ByteString[] writtenSlots;

  private final Map<ByteString, ByteString> writtenKeys = new LinkedHashMap<>();
  private final Map<ByteString, ByteString> asked = new HashMap<>();
  private final boolean[] isAbsent;
  private Map<ByteString, Integer> slotOfKey;

  /** The writes of the record at hand, so that they can be taken back. */
  private final List<Runnable> undo = new ArrayList<>();

  private long bytes;
  private long bytesBefore;

  /** The key of a row, null for none. */
  @FunctionalInterface
  interface RowKeys {
    ByteString key(int row);
  }

  BatchState(StateColumns columns, int rows, RowKeys rowKeys, AskState ask) {
    this.columns = columns;
    this.rowKeys = rowKeys;
    this.ask = ask;
    this.writtenSlots = new ByteString[columns.getValuesCount()];
    this.isAbsent = new boolean[columns.getValuesCount()];
    for (int index = 0; index < columns.getAbsentCount(); index++) {
      isAbsent[columns.getAbsent(index)] = true;
    }
    this.rowStarts = new int[rows + 1];
    for (int row = 0; row < rows; row++) {
      boolean isOne = columns.getSlotCountsCount() == 0;
      rowStarts[row + 1] = rowStarts[row] + (isOne ? 1 : columns.getSlotCounts(row));
    }
  }

  /** What the mutations will take in the result, at most. */
  long bytes() {
    return bytes;
  }

  /** How many slots a row has; none where its record came too late, or has no key. */
  int slotCount(int row) {
    return rowStarts[row + 1] - rowStarts[row];
  }

  int slot(int row, int which) {
    int at = rowStarts[row] + which;
    return columns.getSlotsCount() == 0 ? at : columns.getSlots(at);
  }

  /** Start of a slot's window in ms. */
  long windowStart(int slot) {
    if (columns.getWindowStartsCount() > 0) return columns.getWindowStarts(slot);
    return columns.getWindowBase() + columns.getWindowSteps(slot) * columns.getWindowUnitMs();
  }

  /** A session's end minus its start in ms. */
  long sessionLength(int slot) {
    return columns.getSessionLengthsCount() == 0 ? 0 : columns.getSessionLengths(slot);
  }

  /** Null where the slot has no value. */
  ByteString getSlot(int slot) {
    ByteString written = writtenSlots[slot];
    if (written != null) return valueOf(written);
    return isAbsent[slot] ? null : columns.getValues(slot);
  }

  /**
   * Writes a slot.
   *
   * @param value null deletes
   */
  void putSlot(int slot, ByteString value) {
    ByteString before = writtenSlots[slot];
    undo.add(() -> writtenSlots[slot] = before);
    writtenSlots[slot] = entryOf(value);
    bytes += sizeOf(value) - sizeOf(before);
    if (before == null) bytes += OVERHEAD_BYTES;
  }

  /** Null where the key has no value. Waits for the sidecar where the batch cannot tell. */
  ByteString getKey(ByteString key) {
    Integer slot = slotFor(key);
    if (slot != null) return getSlot(slot);
    ByteString known = writtenKeys.get(key);
    if (known == null) known = asked.get(key);
    if (known != null) return valueOf(known);
    StateResponse answer =
        ask.ask(StateRequest.newBuilder().setStore(columns.getStore()).addKeys(key));
    boolean hasValue = answer.getAbsentCount() == 0 && answer.getValuesCount() > 0;
    ByteString found = hasValue ? answer.getValues(0) : null;
    asked.put(key, entryOf(found));
    return found;
  }

  /**
   * Writes a key.
   *
   * @param value null deletes
   */
  void putKey(ByteString key, ByteString value) {
    Integer slot = slotFor(key);
    if (slot != null) {
      putSlot(slot, value);
      return;
    }
    ByteString before = writtenKeys.put(key, entryOf(value));
    undo.add(
        () -> {
          if (before == null) writtenKeys.remove(key);
          else writtenKeys.put(key, before);
        });
    bytes += sizeOf(value) - sizeOf(before);
    if (before == null) bytes += key.size() + OVERHEAD_BYTES;
  }

  /** A page of a range, with what the batch has written up to now merged in by the sidecar. */
  StateResponse page(KeyRange.Builder range) {
    StateRequest.Builder request =
        StateRequest.newBuilder().setStore(columns.getStore()).setRange(range);
    Mutations written = mutations();
    if (written != null) request.setWritten(written);
    return ask.ask(request);
  }

  /** The record is done: what it wrote stays. */
  void keep() {
    undo.clear();
    bytesBefore = bytes;
  }

  /** The record failed: what it wrote never was. */
  void rollback() {
    for (int index = undo.size() - 1; index >= 0; index--) undo.get(index).run();
    undo.clear();
    bytes = bytesBefore;
  }

  /** What the batch has changed; null when nothing. */
  Mutations mutations() {
    if (bytes == 0) return null;
    Mutations.Builder mutations = Mutations.newBuilder().setStore(columns.getStore());
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
    return mutations.getValuesCount() == 0 ? null : mutations.build();
  }

  private static void addValue(Mutations.Builder mutations, ByteString entry) {
    if (entry == DELETED) mutations.addDeletes(mutations.getValuesCount());
    mutations.addValues(entry == DELETED ? ByteString.EMPTY : entry);
  }

  /** Keys are looked up by bytes only when somebody asks so; then every row's key is indexed. */
  private Integer slotFor(ByteString key) {
    if (slotOfKey == null) {
      slotOfKey = new HashMap<>();
      for (int row = 0; row + 1 < rowStarts.length; row++) {
        if (slotCount(row) == 0) continue;
        ByteString rowKey = rowKeys.key(row);
        if (rowKey != null) slotOfKey.put(rowKey, slot(row, 0));
      }
    }
    return slotOfKey.get(key);
  }

  private static ByteString entryOf(ByteString value) {
    return value == null ? DELETED : value;
  }

  private static ByteString valueOf(ByteString entry) {
    return entry == DELETED ? null : entry;
  }

  private static int sizeOf(ByteString entry) {
    return entry == null || entry == DELETED ? 0 : entry.size();
  }
}
