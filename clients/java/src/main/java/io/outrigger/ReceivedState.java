package io.outrigger;

import com.google.protobuf.InvalidProtocolBufferException;

/** {@code StateColumns} as positions over its frame. */
final class ReceivedState {
  int store;

  /** By slot; absent ones are null. */
  final Column values;

  int[] slots = WireReader.NO_INTS;
  int[] slotCounts = WireReader.NO_INTS;
  long windowBase;
  long windowUnitMs;
  int[] windowSteps = WireReader.NO_INTS;
  long[] windowStarts = WireReader.NO_LONGS;
  long[] sessionLengths = WireReader.NO_LONGS;

  private ReceivedState(byte[] frame) {
    values = new Column(frame);
  }

  static ReceivedState read(WireReader reader) throws InvalidProtocolBufferException {
    ReceivedState state = new ReceivedState(reader.bytes);
    int[] absent = WireReader.NO_INTS;
    while (reader.next()) {
      switch (reader.field) {
        case 3 -> absent = reader.ints(absent, false);
        case 4 -> state.slots = reader.ints(state.slots, false);
        case 5 -> state.slotCounts = reader.ints(state.slotCounts, false);
        case 8 -> state.windowSteps = reader.ints(state.windowSteps, true);
        case 9 -> state.windowStarts = reader.longs(state.windowStarts, true);
        case 10 -> state.sessionLengths = reader.longs(state.sessionLengths, false);
        default -> state.readOther(reader);
      }
    }
    state.values.nullify(absent, "absent");
    state.checkSlots();
    return state;
  }

  private void readOther(WireReader reader) throws InvalidProtocolBufferException {
    if (reader.is(2, WireReader.DELIMITED)) reader.elements(values);
    else if (reader.is(1, WireReader.VARINT)) store = reader.uint32();
    else if (reader.is(6, WireReader.VARINT)) windowBase = reader.sint64();
    else if (reader.is(7, WireReader.VARINT)) windowUnitMs = reader.varint();
    else reader.skip();
  }

  private void checkSlots() throws InvalidProtocolBufferException {
    int count = values.count();
    for (int slot : slots) {
      if (slot >= 0 && slot < count) continue;
      String beyond = Integer.toUnsignedString(slot);
      throw WireReader.malformed("slots holds " + beyond + ", of " + count + " values");
    }
    long named = 0;
    for (int each : slotCounts) named += Integer.toUnsignedLong(each);
    int there = slots.length == 0 ? count : slots.length;
    if (named <= there) return;
    throw WireReader.malformed("slot_counts adds up to " + named + ", of " + there + " slots");
  }
}
