import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../model/columns.ts";
import type { RowRange } from "../model/rows.ts";
import type { DeadLetterReason } from "./dead-letter.ts";

/**
 * How parked records stand in their store and its changelog.
 *
 *   key    1 | length of the record's key (4) | key | sequence (8)
 *   value  1 | length of the facts (4) | facts, JSON | length of the value (4, -1 is null) | value |
 *          headers in Kafka's record format
 *
 * The key `0` holds the position in the control topic, so that it commits with what a command does.
 */
const RECORD = 1;
const VERSION = 1;
const LENGTH_BYTES = 4;
const SEQUENCE_BYTES = 8;
const TWO_TO_32 = 2 ** 32;

export const CONTROL_POSITION_KEY = Buffer.from([0]);

/** Why a record waits; null for one that follows another of its key. */
export interface ParkedCause {
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly node: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}

export interface ParkedFacts {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly cause: ParkedCause | null;
}

export interface Parked extends ParkedFacts {
  /** Where value and headers stand in the bytes that were read. */
  readonly valuePosition: number;
  readonly valueLength: number;
  readonly headersPosition: number;
}

export function parkedKey(key: Buffer, sequence: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + LENGTH_BYTES + key.length + SEQUENCE_BYTES);
  bytes[0] = RECORD;
  bytes.writeUInt32BE(key.length, 1);
  key.copy(bytes, 1 + LENGTH_BYTES);
  const high = Math.floor(sequence / TWO_TO_32);
  bytes.writeUInt32BE(high, bytes.length - SEQUENCE_BYTES);
  bytes.writeUInt32BE(sequence - high * TWO_TO_32, bytes.length - LENGTH_BYTES);
  return bytes;
}

/** Where the record's own key stands in a key of the store. */
export const PARKED_KEY_POSITION = 1 + LENGTH_BYTES;

/** Null for what is no parked record. */
export function decodeParkedKey(bytes: Buffer): { key: Buffer; sequence: number } | null {
  if (bytes[0] !== RECORD || bytes.length < PARKED_KEY_POSITION + SEQUENCE_BYTES) return null;
  const end = PARKED_KEY_POSITION + bytes.readUInt32BE(1);
  if (end + SEQUENCE_BYTES !== bytes.length) return null;
  const sequence = bytes.readUInt32BE(end) * TWO_TO_32 + bytes.readUInt32BE(end + LENGTH_BYTES);
  return { key: bytes.subarray(PARKED_KEY_POSITION, end), sequence };
}

/** The first row of `row`, with what is known of it; null where it would be larger than `bytesMax`. */
export function encodeParked(
  row: RowRange,
  topic: string,
  cause: ParkedCause | null,
  bytesMax: number,
): Buffer | null {
  const { columns, from, partition } = row;
  const { bytes, positions } = columns;
  const at = from * STRIDE;
  const length = positions[at + VALUE_LENGTH] ?? -1;
  const start = positions[at + VALUE_POSITION] ?? 0;
  const [headers, end] = [positions[at + HEADERS_POSITION] ?? 0, positions[at + HEADERS_END] ?? 0];
  const keyLength = Math.max(0, positions[at + KEY_LENGTH] ?? 0);
  const offset = columns.offsets[from] ?? -1;
  const known = { topic, partition, offset, timestamp: columns.timestamps[from] ?? -1 };
  // A record near the limit must still fit: the stack goes first, then the message.
  for (const kept of [cause, cause && { ...cause, stack: "" }, shortened(cause)]) {
    const facts = Buffer.from(JSON.stringify({ ...known, cause: kept }));
    const value = Buffer.allocUnsafe(1 + 2 * LENGTH_BYTES);
    value[0] = VERSION;
    value.writeUInt32BE(facts.length, 1);
    value.writeInt32BE(length, 1 + LENGTH_BYTES);
    const encoded = Buffer.concat([
      value.subarray(0, 1 + LENGTH_BYTES),
      facts,
      value.subarray(1 + LENGTH_BYTES),
      bytes.subarray(start, start + Math.max(0, length)),
      bytes.subarray(headers, end),
    ]);
    const overhead = PARKED_KEY_POSITION + SEQUENCE_BYTES;
    if (encoded.length + keyLength + overhead <= bytesMax) return encoded;
  }
  return null;
}

function shortened(cause: ParkedCause | null): ParkedCause | null {
  return cause && { ...cause, stack: "", message: "", type: "" };
}

/** Null for what this version cannot read. */
export function decodeParked(bytes: Buffer): Parked | null {
  if (bytes[0] !== VERSION || bytes.length < 1 + 2 * LENGTH_BYTES) return null;
  const end = 1 + LENGTH_BYTES + bytes.readUInt32BE(1);
  if (end + LENGTH_BYTES > bytes.length) return null;
  const valueLength = bytes.readInt32BE(end);
  const valuePosition = end + LENGTH_BYTES;
  const headersPosition = valuePosition + Math.max(0, valueLength);
  try {
    // What we wrote ourselves; the version stands before it.
    const facts = JSON.parse(bytes.toString("utf8", 1 + LENGTH_BYTES, end)) as ParkedFacts;
    return { ...facts, valuePosition, valueLength, headersPosition };
  } catch {
    return null;
  }
}

/** The key of a row; null where it has none. A view. */
export function keyOf({ columns, from }: RowRange): Buffer | null {
  const at = from * STRIDE;
  const length = columns.positions[at + KEY_LENGTH] ?? -1;
  const position = columns.positions[at + KEY_POSITION] ?? 0;
  return length < 0 ? null : columns.bytes.subarray(position, position + length);
}

export interface ControlPosition {
  /** Of the control topic: one that was made anew is read from its start. */
  readonly topicId: string;
  /** The next offset to read. */
  readonly offset: number;
}

export function encodeControlPosition({ topicId, offset }: ControlPosition): Buffer {
  return Buffer.from(JSON.stringify({ topicId, offset }));
}

export function decodeControlPosition(bytes: Buffer | null): ControlPosition | null {
  return bytes === null ? null : (JSON.parse(bytes.toString()) as ControlPosition);
}
