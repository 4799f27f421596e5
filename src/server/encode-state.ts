import type { SlotState } from "../model/rows.ts";
import {
  copyBytes,
  delimitedSize,
  optionalSize,
  sintFieldSize,
  uintFieldSize,
  varintSize,
  writeDelimited,
  writeSintField,
  writeUintField,
  writeVarint,
  writeZigzag,
  zigzag32,
  zigzagSize,
} from "./protobuf-writer.ts";

const STORE = 1;
const VALUES = 2;
const ABSENT = 3;
const SLOTS = 4;
const SLOT_COUNTS = 5;
const WINDOW_BASE = 6;
const WINDOW_UNIT_MS = 7;
const WINDOW_STEPS = 8;
const WINDOW_STARTS = 9;
const SESSION_LENGTHS = 10;

const INT32_MAX = 0x7fff_ffff;
const INT32_MIN = -0x8000_0000;

/** One `StateColumns` to write, and the sizes of its packed lists: 0 where a list is left out. */
export interface StatePlan {
  readonly state: SlotState;
  readonly valuesBytes: number;
  readonly absentBytes: number;
  readonly slotsBytes: number;
  readonly slotCountsBytes: number;
  readonly windowBase: number;
  readonly windowStepsBytes: number;
  /** Set instead of the steps where one does not fit 32 bits. */
  readonly windowStartsBytes: number;
  readonly sessionLengthsBytes: number;
}

export function planState(state: SlotState): StatePlan {
  let valuesBytes = 0;
  let absentBytes = 0;
  const { count, positions } = state.values;
  for (let slot = 0; slot < count; slot++) {
    const length = positions[slot * 2 + 1] as number;
    if (length < 0) absentBytes += varintSize(slot);
    valuesBytes += delimitedSize(Math.max(0, length));
  }
  return {
    state,
    valuesBytes,
    absentBytes,
    slotsBytes: isIdentity(state) ? 0 : packedSize(state.slots),
    slotCountsBytes: state.slotCounts === null ? 0 : packedSize(state.slotCounts),
    ...planWindows(state),
    sessionLengthsBytes: wideSize(state.sessionLengths),
  };
}

function isIdentity({ slots, slotCounts }: SlotState): boolean {
  if (slotCounts !== null) return false;
  for (let row = 0; row < slots.length; row++) if (slots[row] !== row) return false;
  return true;
}

function packedSize(values: Int32Array): number {
  let size = 0;
  for (let i = 0; i < values.length; i++) size += varintSize(values[i] as number);
  return size;
}

function wideSize(values: Float64Array | undefined): number {
  let size = 0;
  for (let i = 0; i < (values?.length ?? 0); i++) size += varintSize(values?.[i] as number);
  return size;
}

function planWindows({ windowStarts, windowUnitMs, sessionLengths }: SlotState) {
  if (windowStarts === null || windowStarts.length === 0) {
    return { windowBase: 0, windowStepsBytes: 0, windowStartsBytes: 0 };
  }
  const windowBase = windowStarts[0] as number;
  let windowStepsBytes = 0;
  let windowStartsBytes = 0;
  // Sessions begin anywhere: nothing is gained by a unit.
  let fits = sessionLengths === undefined;
  for (let slot = 0; slot < windowStarts.length; slot++) {
    const start = windowStarts[slot] as number;
    const step = (start - windowBase) / windowUnitMs;
    fits &&= step <= INT32_MAX && step >= INT32_MIN;
    windowStepsBytes += varintSize(zigzag32(step));
    windowStartsBytes += zigzagSize(start);
  }
  if (fits) return { windowBase, windowStepsBytes, windowStartsBytes: 0 };
  return { windowBase: 0, windowStepsBytes: 0, windowStartsBytes };
}

/** Bytes of the message, without tag and length. */
export function stateSize(plan: StatePlan): number {
  return (
    uintFieldSize(plan.state.store) +
    plan.valuesBytes +
    optionalSize(plan.absentBytes) +
    optionalSize(plan.slotsBytes) +
    optionalSize(plan.slotCountsBytes) +
    sintFieldSize(plan.windowBase) +
    uintFieldSize(plan.state.windowUnitMs) +
    optionalSize(plan.windowStepsBytes) +
    optionalSize(plan.windowStartsBytes) +
    optionalSize(plan.sessionLengthsBytes)
  );
}

export function writeState(to: Buffer, start: number, plan: StatePlan): number {
  const { state } = plan;
  let at = writeUintField(to, start, STORE, state.store);
  at = writeValues(to, at, plan);
  at = writePacked(to, at, SLOTS, plan.slotsBytes, state.slots);
  at = writePacked(to, at, SLOT_COUNTS, plan.slotCountsBytes, state.slotCounts);
  at = writeSintField(to, at, WINDOW_BASE, plan.windowBase);
  at = writeUintField(to, at, WINDOW_UNIT_MS, state.windowUnitMs);
  if (state.windowStarts !== null) at = writeWindows(to, at, plan, state.windowStarts);
  return writeLengths(to, at, plan);
}

function writeLengths(to: Buffer, start: number, plan: StatePlan): number {
  const { sessionLengths } = plan.state;
  if (sessionLengths === undefined || plan.sessionLengthsBytes === 0) return start;
  let at = writeDelimited(to, start, SESSION_LENGTHS, plan.sessionLengthsBytes);
  for (let i = 0; i < sessionLengths.length; i++) {
    at = writeVarint(to, at, sessionLengths[i] as number);
  }
  return at;
}

function writeValues(to: Buffer, start: number, plan: StatePlan): number {
  const { count, bytes, positions } = plan.state.values;
  let at = start;
  for (let slot = 0; slot < count; slot++) {
    const length = positions[slot * 2 + 1] as number;
    at = writeDelimited(to, at, VALUES, Math.max(0, length));
    if (length > 0) at = copyBytes(to, at, bytes, positions[slot * 2] as number, length);
  }
  if (plan.absentBytes === 0) return at;
  at = writeDelimited(to, at, ABSENT, plan.absentBytes);
  for (let slot = 0; slot < count; slot++) {
    if ((positions[slot * 2 + 1] as number) < 0) at = writeVarint(to, at, slot);
  }
  return at;
}

function writePacked(
  to: Buffer,
  start: number,
  field: number,
  size: number,
  values: Int32Array | null,
): number {
  if (size === 0 || values === null) return start;
  let at = writeDelimited(to, start, field, size);
  for (let i = 0; i < values.length; i++) at = writeVarint(to, at, values[i] as number);
  return at;
}

function writeWindows(to: Buffer, start: number, plan: StatePlan, starts: Float64Array): number {
  if (plan.windowStartsBytes > 0) {
    let at = writeDelimited(to, start, WINDOW_STARTS, plan.windowStartsBytes);
    for (let slot = 0; slot < starts.length; slot++) {
      at = writeZigzag(to, at, starts[slot] as number);
    }
    return at;
  }
  if (plan.windowStepsBytes === 0) return start;
  let at = writeDelimited(to, start, WINDOW_STEPS, plan.windowStepsBytes);
  for (let slot = 0; slot < starts.length; slot++) {
    const step = ((starts[slot] as number) - plan.windowBase) / plan.state.windowUnitMs;
    at = writeVarint(to, at, zigzag32(step));
  }
  return at;
}
