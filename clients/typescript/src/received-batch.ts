/**
 * `Batch` read by hand into positions over its frame: no object for each record. It is checked against
 * the generated code in its test; everything but batches is read by the latter.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { FrameBytes } from "./frame-bytes.ts";
import { type ProcessResponse, ProcessResponseSchema } from "./gen/outrigger/v1/processor_pb.ts";
import type { Header } from "./record.ts";
import {
  malformed,
  readSint32,
  readSint64,
  readUint32,
  readUint64,
  WireReader,
} from "./wire-reader.ts";

/** What a frame's byte strings are parts of. */
interface Frame {
  readonly bytes: Uint8Array;
  part(start: number, end: number): Uint8Array;
}

/** Byte strings of a frame: where each begins and ends, two numbers for each; null begins at -1. */
export interface Column {
  readonly frame: Frame;
  readonly spans: readonly number[];
}

/** `Segment`. */
export interface ReceivedSegment {
  readonly source: number;
  readonly partition: number;
  readonly baseOffset: bigint;
  readonly baseTimestamp: number;
  readonly count: number;
  readonly keys: Column;
  readonly values: Column;
  readonly offsetDeltas: readonly number[];
  readonly timestampDeltas: readonly number[];
  /** null where no row has any. */
  readonly headers: ReadonlyMap<number, readonly Header[]> | null;
}

/** `StateColumns`. */
export interface ReceivedState {
  readonly store: number;
  /** By slot; absent ones are null. */
  readonly values: Column;
  readonly slots: readonly number[];
  readonly slotCounts: readonly number[];
  readonly windowBase: number;
  readonly windowUnitMs: number;
  readonly windowSteps: readonly number[];
  readonly windowStarts: readonly number[];
  readonly sessionLengths: readonly number[];
}

/** `Batch`. */
export interface ReceivedBatch {
  readonly dispatchId: bigint;
  readonly taskEpoch: number;
  readonly taskId: string;
  readonly stage: number;
  readonly segments: readonly ReceivedSegment[];
  readonly states: readonly ReceivedState[];
}

/** A frame of the sidecar. */
export type ReceivedFrame =
  | { readonly case: "batch"; readonly value: ReceivedBatch }
  | Exclude<ProcessResponse["frame"], { readonly case: "batch" }>;

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

const BATCH = 3;
/** The numbers of the oneof's members, `welcome` to `chunk`. */
const FRAME_MAX = 7;

/** An element's bytes, not copied; null also where there is no such element. */
export function elementOf({ frame, spans }: Column, index: number): Uint8Array | null {
  const start = spans[2 * index] ?? -1;
  return start < 0 ? null : frame.part(start, spans[2 * index + 1] as number);
}

/** Whether an element is these bytes. */
export function isElement({ frame, spans }: Column, index: number, other: Uint8Array): boolean {
  const { bytes } = frame;
  const start = spans[2 * index] ?? -1;
  const { length } = other;
  if (start < 0 || (spans[2 * index + 1] as number) - start !== length) return false;
  for (let at = 0; at < length; at++) if (bytes[start + at] !== other[at]) return false;
  return true;
}

/** Reads a frame. Throws an Error for what is none. */
export function decodeFrame(bytes: Uint8Array): ReceivedFrame {
  const reader = new WireReader(new FrameBytes(bytes));
  let batch: Mutable<ReceivedBatch> | null = null;
  let isOther = false;
  while (reader.next()) {
    if (reader.isDelimited && reader.field === BATCH) {
      batch ??= emptyBatch();
      const outer = reader.enter();
      readBatch(reader, batch);
      reader.leave(outer);
    } else {
      if (reader.isDelimited && reader.field <= FRAME_MAX) isOther = true;
      reader.skip();
    }
  }
  if (batch === null) {
    const { frame } = fromBinary(ProcessResponseSchema, bytes);
    // A batch of another type than a message: to the generated code it is an unknown field, too.
    return frame.case === "batch" ? { case: undefined } : frame;
  }
  if (isOther) throw malformed("it holds a batch and another frame");
  return { case: "batch", value: batch };
}

function emptyBatch(): Mutable<ReceivedBatch> {
  return { dispatchId: 0n, taskEpoch: 0, taskId: "", stage: 0, segments: [], states: [] };
}

function readBatch(reader: WireReader, batch: Mutable<ReceivedBatch>): void {
  const segments = [...batch.segments];
  const states = [...batch.states];
  while (reader.next()) {
    const { field } = reader;
    if (reader.isNumber) {
      if (field === 1) batch.dispatchId = reader.uint64();
      else if (field === 2) batch.taskEpoch = reader.uint32();
      else if (field === 4) batch.stage = reader.uint32();
      else reader.skip();
    } else if (!reader.isDelimited) reader.skip();
    else if (field === 3) batch.taskId = reader.string();
    else if (field === 5 || field === 6) {
      const outer = reader.enter();
      if (field === 5) segments.push(readSegment(reader));
      else states.push(readState(reader));
      reader.leave(outer);
    } else reader.skip();
  }
  batch.segments = segments;
  batch.states = states;
}

/** What a list is that is left out. */
const NONE: number[] = [];

function readSegment(reader: WireReader): ReceivedSegment {
  const { frame } = reader;
  let [keys, values, nullKeys, nullValues] = [NONE, NONE, NONE, NONE];
  const segment = {
    source: 0,
    partition: 0,
    baseOffset: 0n,
    baseTimestamp: 0,
    count: 0,
    keys: { frame, spans: NONE },
    values: { frame, spans: NONE },
    offsetDeltas: NONE,
    timestampDeltas: NONE,
    headers: null as Map<number, readonly Header[]> | null,
  };
  while (reader.next()) {
    const { field } = reader;
    if (field === 7) segment.offsetDeltas = reader.numbers(segment.offsetDeltas, readSint32);
    else if (field === 8)
      segment.timestampDeltas = reader.numbers(segment.timestampDeltas, readSint32);
    else if (field === 9) nullKeys = reader.numbers(nullKeys, readUint32);
    else if (field === 10) nullValues = reader.numbers(nullValues, readUint32);
    else if (reader.isDelimited && field === 5) keys = reader.spans(keys);
    else if (reader.isDelimited && field === 6) values = reader.spans(values);
    else if (reader.isDelimited && field === 11) {
      segment.headers ??= new Map();
      readRowHeaders(reader, segment.headers);
    } else if (reader.isNumber && field <= 4) readSegmentNumber(reader, segment);
    else reader.skip();
  }
  segment.count = keys.length / 2;
  if (values.length !== keys.length) {
    throw malformed(`a segment has ${segment.count} keys and ${values.length / 2} values`);
  }
  nullify(keys, nullKeys, "null_keys");
  nullify(values, nullValues, "null_values");
  segment.keys.spans = keys;
  segment.values.spans = values;
  return segment;
}

function readSegmentNumber(
  reader: WireReader,
  into: { source: number; partition: number; baseOffset: bigint; baseTimestamp: number },
): void {
  if (reader.field === 1) into.source = reader.uint32();
  else if (reader.field === 2) into.partition = reader.int32();
  else if (reader.field === 3) into.baseOffset = reader.int64();
  else into.baseTimestamp = reader.sint64Number();
}

function readRowHeaders(reader: WireReader, into: Map<number, readonly Header[]>): void {
  let row = 0;
  const headers: Header[] = [];
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.isNumber && reader.field === 1) row = reader.uint32();
    else if (reader.isDelimited && reader.field === 2) headers.push(readHeader(reader));
    else reader.skip();
  }
  reader.leave(outer);
  into.set(row, headers);
}

function readHeader(reader: WireReader): Header {
  const header: Mutable<Header> = { key: "", value: null };
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.isDelimited && reader.field === 1) header.key = reader.string();
    else if (reader.isDelimited && reader.field === 2) header.value = reader.slice();
    else reader.skip();
  }
  reader.leave(outer);
  return header;
}

function readState(reader: WireReader): ReceivedState {
  let [spans, absent] = [NONE, NONE];
  const state = {
    store: 0,
    windowBase: 0,
    windowUnitMs: 0,
    values: { frame: reader.frame, spans: NONE },
    slots: NONE,
    slotCounts: NONE,
    windowSteps: NONE,
    windowStarts: NONE,
    sessionLengths: NONE,
  };
  while (reader.next()) {
    const { field, isNumber } = reader;
    if (field === 2 && reader.isDelimited) spans = reader.spans(spans);
    else if (field === 3) absent = reader.numbers(absent, readUint32);
    else if (field === 4) state.slots = reader.numbers(state.slots, readUint32);
    else if (field === 5) state.slotCounts = reader.numbers(state.slotCounts, readUint32);
    else if (field === 8) state.windowSteps = reader.numbers(state.windowSteps, readSint32);
    else if (field === 9) state.windowStarts = reader.numbers(state.windowStarts, readSint64);
    else if (field === 10) state.sessionLengths = reader.numbers(state.sessionLengths, readUint64);
    else if (field === 1 && isNumber) state.store = reader.uint32();
    else if (field === 6 && isNumber) state.windowBase = reader.sint64Number();
    else if (field === 7 && isNumber) state.windowUnitMs = reader.uint64Number();
    else reader.skip();
  }
  nullify(spans, absent, "absent");
  checkSlots(spans.length / 2, state.slots, state.slotCounts);
  state.values.spans = spans;
  return state;
}

function checkSlots(count: number, slots: readonly number[], slotCounts: readonly number[]): void {
  const beyond = slots.find((slot) => slot >= count);
  if (beyond !== undefined) throw malformed(`slots holds ${beyond}, of ${count} values`);
  const named = slotCounts.reduce((sum, each) => sum + each, 0);
  const there = slots.length === 0 ? count : slots.length;
  if (named > there) throw malformed(`slot_counts adds up to ${named}, of ${there} slots`);
}

function nullify(spans: number[], nulls: readonly number[], name: string): void {
  for (const index of nulls) {
    if (2 * index >= spans.length) {
      throw malformed(`${name} holds ${index}, of ${spans.length / 2} elements`);
    }
    spans[2 * index] = -1;
  }
}
