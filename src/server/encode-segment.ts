import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import { hasHeaders } from "../model/header-walk.ts";
import type { RowRange } from "../model/rows.ts";
import { rowHeadersSize, writeRowHeaders } from "./kafka-headers.ts";
import {
  copyBytes,
  DELIMITED,
  delimitedSize,
  optionalSize,
  sintFieldSize,
  tag,
  uintFieldSize,
  varintSize,
  writeDelimited,
  writeSintField,
  writeUintField,
  writeVarint,
  zigzag32,
} from "./protobuf-writer.ts";

const SOURCE = 1;
const PARTITION = 2;
const BASE_OFFSET = 3;
const BASE_TIMESTAMP = 4;
const KEYS = 5;
const VALUES = 6;
const OFFSET_DELTAS = 7;
const TIMESTAMP_DELTAS = 8;
const NULL_KEYS = 9;
const NULL_VALUES = 10;
const HEADERS = 11;

const INT32_MAX = 0x7fff_ffff;
const INT32_MIN = -0x8000_0000;

/** One `Segment` to write: rows `[from, to)` of a range, and the sizes of its packed lists. */
export interface SegmentPlan {
  /** Index into `Welcome.sources`. */
  readonly source: number;
  readonly range: RowRange;
  readonly from: number;
  readonly to: number;
  readonly dataBytes: number;
  readonly headerBytes: number;
  /** 0 where the list is left out. */
  readonly offsetDeltasBytes: number;
  readonly timestampDeltasBytes: number;
  readonly nullKeysBytes: number;
  readonly nullValuesBytes: number;
}

/**
 * Cuts a range into segments: a new one starts where a delta does not fit 32 bits. `firstSource` is where
 * `Welcome.sources` has the range's source 0.
 */
export function planSegments(range: RowRange, firstSource = 0): SegmentPlan[] {
  const plans: SegmentPlan[] = [];
  for (let from = range.from; from < range.to; ) {
    const plan = planSegment(range, from, firstSource + range.source);
    plans.push(plan);
    from = plan.to;
  }
  return plans;
}

function planSegment(range: RowRange, from: number, source: number): SegmentPlan {
  const { offsets, timestamps } = range.columns;
  const baseOffset = offsets[from] as number;
  const baseTimestamp = timestamps[from] as number;
  let areConsecutive = true;
  let areSameTime = true;
  let offsetDeltasBytes = 0;
  let timestampDeltasBytes = 0;
  let to = from;
  for (; to < range.to; to++) {
    const offsetDelta = (offsets[to] as number) - baseOffset;
    const timestampDelta = (timestamps[to] as number) - baseTimestamp;
    if (!isInt32(offsetDelta) || !isInt32(timestampDelta)) break;
    areConsecutive &&= offsetDelta === to - from;
    areSameTime &&= timestampDelta === 0;
    offsetDeltasBytes += varintSize(zigzag32(offsetDelta));
    timestampDeltasBytes += varintSize(zigzag32(timestampDelta));
  }
  return {
    source,
    range,
    from,
    to,
    ...planRows(range, from, to),
    offsetDeltasBytes: areConsecutive ? 0 : offsetDeltasBytes,
    timestampDeltasBytes: areSameTime ? 0 : timestampDeltasBytes,
  };
}

function isInt32(value: number): boolean {
  return value <= INT32_MAX && value >= INT32_MIN;
}

function planRows(range: RowRange, from: number, to: number) {
  const { positions, bytes } = range.columns;
  let dataBytes = 0;
  let headerBytes = 0;
  let nullKeysBytes = 0;
  let nullValuesBytes = 0;
  for (let row = from; row < to; row++) {
    const at = row * STRIDE;
    const keyLength = positions[at + KEY_LENGTH] as number;
    const valueLength = positions[at + VALUE_LENGTH] as number;
    if (keyLength < 0) nullKeysBytes += varintSize(row - from);
    if (valueLength < 0) nullValuesBytes += varintSize(row - from);
    dataBytes += delimitedSize(Math.max(0, keyLength));
    dataBytes += delimitedSize(Math.max(0, valueLength));
    const headers = positions[at + HEADERS_POSITION] as number;
    const headersEnd = positions[at + HEADERS_END] as number;
    if (!hasHeaders(bytes, headers, headersEnd)) continue;
    headerBytes += delimitedSize(rowHeadersSize(row - from, bytes, headers, headersEnd));
  }
  return { dataBytes, headerBytes, nullKeysBytes, nullValuesBytes };
}

/** Bytes of the message, without tag and length. */
export function segmentSize(plan: SegmentPlan): number {
  const { range, from } = plan;
  return (
    uintFieldSize(plan.source) +
    uintFieldSize(range.partition) +
    uintFieldSize(range.columns.offsets[from] as number) +
    sintFieldSize(range.columns.timestamps[from] as number) +
    plan.dataBytes +
    optionalSize(plan.offsetDeltasBytes) +
    optionalSize(plan.timestampDeltasBytes) +
    optionalSize(plan.nullKeysBytes) +
    optionalSize(plan.nullValuesBytes) +
    plan.headerBytes
  );
}

export function writeSegment(to: Buffer, start: number, plan: SegmentPlan): number {
  const { range, from } = plan;
  const { offsets, timestamps } = range.columns;
  let at = writeUintField(to, start, SOURCE, plan.source);
  at = writeUintField(to, at, PARTITION, range.partition);
  at = writeUintField(to, at, BASE_OFFSET, offsets[from] as number);
  at = writeSintField(to, at, BASE_TIMESTAMP, timestamps[from] as number);
  at = writeData(to, at, plan, KEYS, KEY_POSITION);
  at = writeData(to, at, plan, VALUES, VALUE_POSITION);
  at = writeDeltas(to, at, plan, OFFSET_DELTAS, plan.offsetDeltasBytes, offsets);
  at = writeDeltas(to, at, plan, TIMESTAMP_DELTAS, plan.timestampDeltasBytes, timestamps);
  at = writeNulls(to, at, plan, NULL_KEYS, plan.nullKeysBytes, KEY_LENGTH);
  at = writeNulls(to, at, plan, NULL_VALUES, plan.nullValuesBytes, VALUE_LENGTH);
  return plan.headerBytes === 0 ? at : writeHeaders(to, at, plan);
}

function writeData(
  to: Buffer,
  start: number,
  plan: SegmentPlan,
  field: number,
  column: number,
): number {
  const { positions, bytes } = plan.range.columns;
  const fieldTag = tag(field, DELIMITED);
  let at = start;
  for (let row = plan.from; row < plan.to; row++) {
    const length = positions[row * STRIDE + column + 1] as number;
    to[at++] = fieldTag;
    if (length <= 0) {
      to[at++] = 0;
      continue;
    }
    at = writeVarint(to, at, length);
    at = copyBytes(to, at, bytes, positions[row * STRIDE + column] as number, length);
  }
  return at;
}

function writeDeltas(
  to: Buffer,
  start: number,
  plan: SegmentPlan,
  field: number,
  size: number,
  values: Float64Array,
): number {
  if (size === 0) return start;
  let at = writeDelimited(to, start, field, size);
  const base = values[plan.from] as number;
  for (let row = plan.from; row < plan.to; row++) {
    at = writeVarint(to, at, zigzag32((values[row] as number) - base));
  }
  return at;
}

function writeNulls(
  to: Buffer,
  start: number,
  plan: SegmentPlan,
  field: number,
  size: number,
  lengthColumn: number,
): number {
  if (size === 0) return start;
  const { positions } = plan.range.columns;
  let at = writeDelimited(to, start, field, size);
  for (let row = plan.from; row < plan.to; row++) {
    const isNull = (positions[row * STRIDE + lengthColumn] as number) < 0;
    if (isNull) at = writeVarint(to, at, row - plan.from);
  }
  return at;
}

function writeHeaders(to: Buffer, start: number, plan: SegmentPlan): number {
  const { positions, bytes } = plan.range.columns;
  let at = start;
  for (let row = plan.from; row < plan.to; row++) {
    const headers = positions[row * STRIDE + HEADERS_POSITION] as number;
    const end = positions[row * STRIDE + HEADERS_END] as number;
    if (!hasHeaders(bytes, headers, end)) continue;
    const index = row - plan.from;
    at = writeDelimited(to, at, HEADERS, rowHeadersSize(index, bytes, headers, end));
    at = writeRowHeaders(to, at, index, bytes, headers, end);
  }
  return at;
}
