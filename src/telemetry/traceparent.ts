import { HEADERS_END, HEADERS_POSITION, type RecordColumns, STRIDE } from "../model/columns.ts";
import { HeaderWalk, hasHeaders } from "../model/header-walk.ts";
import type { TraceIds } from "../ports/telemetry.ts";

/**
 * W3C trace context in the headers of records, where they lie: `00-<trace id>-<parent id>-<flags>`.
 * A record's context is looked at byte by byte, and given another parent by writing 16 of them.
 */

const LENGTH = 55;
const TRACE_ID = 3;
const PARENT_ID = 36;
const FLAGS_LOW = 54;
const TEXT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const TRACEPARENT = Buffer.from("traceparent");
const TRACESTATE = Buffer.from("tracestate");

/** A record's trace context. */
export interface RecordContext extends TraceIds {
  readonly sampled: boolean;
  /** The `tracestate` header as it came; null where there is none. */
  readonly state: string | null;
  /** Where the value of `traceparent` stands in the columns' bytes. */
  readonly position: number;
}

const walk = new HeaderWalk();

/** Where the value of the row's last `traceparent` stands; -1 without one that can be read. */
function locate(columns: RecordColumns, row: number, name: Buffer): number {
  const { bytes, positions } = columns;
  const start = positions[row * STRIDE + HEADERS_POSITION] ?? 0;
  const end = positions[row * STRIDE + HEADERS_END] ?? 0;
  let found = -1;
  if (!hasHeaders(bytes, start, end)) return found;
  for (let left = walk.start(bytes, start, end); left > 0; left--) {
    walk.next();
    if (walk.keyLength !== name.length || !isNamed(bytes, walk.keyPosition, name)) continue;
    found = walk.valueLength > 0 ? walk.valuePosition : -1;
    valueLength = walk.valueLength;
  }
  return found;
}

/** Of the header that `locate` found last. */
let valueLength = 0;

function isNamed(bytes: Buffer, at: number, name: Buffer): boolean {
  // Most names differ in the first byte or two.
  for (let i = 0; i < name.length; i++) {
    // Kafka's headers have no rule of case; OpenTelemetry's propagators write lower case.
    if (((bytes[at + i] ?? 0) | 0x20) !== name[i]) return false;
  }
  return true;
}

/**
 * Whether the row's producer sampled its trace: true for what may be a context with the flag set. Asked
 * of every row while tracing is on: it makes no object, and lengths of one byte, which nearly all
 * are, are read on the spot.
 */
export function mayBeSampled(columns: RecordColumns, row: number): boolean {
  const { bytes, positions } = columns;
  let at = positions[row * STRIDE + HEADERS_POSITION] as number;
  const end = positions[row * STRIDE + HEADERS_END] as number;
  if (end <= at) return false;
  const count = bytes[at++] as number;
  if (count >= LONG) return isSampledAt(columns, locate(columns, row, TRACEPARENT));
  let found = -1;
  for (let left = count >>> 1; left > 0; left--) {
    const key = bytes[at++] as number;
    const keyAt = at;
    at += key >>> 1;
    const value = bytes[at++] as number;
    if (key >= LONG || value >= LONG) {
      return isSampledAt(columns, locate(columns, row, TRACEPARENT));
    }
    const length = (value >>> 1) ^ -(value & 1);
    if (key === TRACEPARENT_KEY && isNamed(bytes, keyAt, TRACEPARENT)) {
      found = length > 0 ? at : -1;
      valueLength = length;
    }
    if (length > 0) at += length;
  }
  return isSampledAt(columns, found);
}

/** A varint that begins so has more bytes. */
const LONG = 0x80;
/** The length of the header's name, as it is written. */
const TRACEPARENT_KEY = TRACEPARENT.length * 2;

function isSampledAt({ bytes }: RecordColumns, at: number): boolean {
  if (at < 0 || valueLength < LENGTH) return false;
  return (hexDigit(bytes[at + FLAGS_LOW] ?? 0) & 1) === 1;
}

function hexDigit(byte: number): number {
  return byte < 0x3a ? byte : byte - 0x57;
}

/** The context of a row; null where it has none that is valid. */
export function contextOf(columns: RecordColumns, row: number): RecordContext | null {
  const position = locate(columns, row, TRACEPARENT);
  if (position < 0 || valueLength < LENGTH) return null;
  const text = columns.bytes.toString("latin1", position, position + LENGTH);
  if (!TEXT.test(text)) return null;
  const state = locate(columns, row, TRACESTATE);
  return {
    traceId: text.slice(TRACE_ID, TRACE_ID + 32),
    spanId: text.slice(PARENT_ID, PARENT_ID + 16),
    sampled: (hexDigit(text.charCodeAt(FLAGS_LOW)) & 1) === 1,
    state: state < 0 ? null : columns.bytes.toString("latin1", state, state + valueLength),
    position,
  };
}

/** The ids alone, for a log line. */
export function traceIdsOf(columns: RecordColumns, row: number): TraceIds | null {
  const context = contextOf(columns, row);
  return context === null ? null : { traceId: context.traceId, spanId: context.spanId };
}

/** Gives the context at `position` another parent, in place: `spanId` is 16 hex digits. */
export function writeParent(bytes: Buffer, position: number, spanId: string): void {
  bytes.write(spanId, position + PARENT_ID, "latin1");
}
