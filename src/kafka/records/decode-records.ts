import type { RecordColumns } from "../../model/columns.ts";
import {
  HEADERS_END,
  HEADERS_POSITION,
  KEY_LENGTH,
  KEY_POSITION,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../../model/columns.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import { corruptBatch } from "./corrupt.ts";

/** Where the records of a batch stand, and what its header says of them. */
export interface RecordsLocation {
  readonly position: number;
  readonly end: number;
  readonly count: number;
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** Set when the broker's clock rules: every record has this timestamp. */
  readonly logAppendTimestamp: number | null;
}

/** No record is smaller: length, attributes, two deltas, key, value, header count, a byte each. */
export const RECORD_BYTES_MIN = 7;

// Where the last varint ended. A second result without an object per call.
let cursor = 0;

/**
 * Appends the records of one batch to `columns`, whose `bytes` must be the buffer they stand in.
 * Records below `fromOffset` are left out. Every length is checked against its record and every
 * record against its batch, headers included, so that readers of the columns need not check again.
 */
export function decodeRecords(
  batch: RecordsLocation,
  fromOffset: number,
  columns: RecordColumns,
  at: TopicPartition,
): void {
  const { bytes } = columns;
  const corrupt = (what: string) => corruptBatch(at, batch.baseOffset, what);
  if (batch.count < 0 || batch.count * RECORD_BYTES_MIN > batch.end - batch.position) {
    throw corrupt(`${batch.count} records in ${batch.end - batch.position} bytes`);
  }
  columns.reserve(batch.count);
  const { positions, offsets, timestamps } = columns;
  const { logAppendTimestamp } = batch;
  let row = columns.count;
  let position = batch.position;
  for (let i = 0; i < batch.count; i++) {
    const length = varint(bytes, position);
    const start = cursor;
    const end = start + length;
    if (length < RECORD_BYTES_MIN - 1 || end > batch.end) throw corrupt(`record ${i} does not fit`);
    const timestamp = batch.baseTimestamp + varlong(bytes, start + 1);
    const offset = batch.baseOffset + varint(bytes, cursor);
    const keyLength = varint(bytes, cursor);
    const key = cursor;
    const valueLength = varint(bytes, keyLength > 0 ? key + keyLength : key);
    const value = cursor;
    const headers = valueLength > 0 ? value + valueLength : value;
    if (keyLength < -1 || valueLength < -1 || headers >= end || value > end || key > end) {
      throw corrupt(`a field of record ${i} does not fit`);
    }
    // Nearly every record has no headers: one zero byte.
    if ((bytes[headers] !== 0 || headers + 1 !== end) && !areHeaders(bytes, headers, end)) {
      throw corrupt(`the headers of record ${i} do not fit`);
    }
    position = end;
    if (offset < fromOffset) continue;
    const ints = row * STRIDE;
    positions[ints + KEY_POSITION] = key;
    positions[ints + KEY_LENGTH] = keyLength;
    positions[ints + VALUE_POSITION] = value;
    positions[ints + VALUE_LENGTH] = valueLength;
    positions[ints + HEADERS_POSITION] = headers;
    positions[ints + HEADERS_END] = end;
    offsets[row] = offset;
    // Two statements: one place that may have either is an object for each record.
    if (logAppendTimestamp === null) timestamps[row] = timestamp;
    else timestamps[row] = logAppendTimestamp;
    row++;
  }
  if (position !== batch.end) throw corrupt(`${batch.end - position} bytes follow its last record`);
  columns.count = row;
}

/** Walks one record's headers: count, then key length, key, value length (-1: null), value. */
function areHeaders(bytes: Buffer, start: number, end: number): boolean {
  const count = varint(bytes, start);
  if (count < 0 || count > end - start) return false;
  for (let i = 0; i < count; i++) {
    const keyLength = varint(bytes, cursor);
    if (keyLength < 0 || keyLength > end - cursor) return false;
    const valueLength = varint(bytes, cursor + keyLength);
    if (valueLength < -1 || valueLength > end - cursor) return false;
    if (valueLength > 0) cursor += valueLength;
  }
  return cursor === end;
}

// Past the end of the buffer a byte reads as 0, which ends every loop; the caller finds the fault
// when it compares what was read with the record's end.

/** Zigzag, 32 bits. */
function varint(bytes: Buffer, position: number): number {
  let next = position;
  let byte = bytes[next++] as number;
  let value = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    byte = bytes[next++] as number;
    value |= (byte & 0x7f) << shift;
  }
  cursor = next;
  return (value >>> 1) ^ -(value & 1);
}

/** Zigzag, 64 bits, exact to 2^53: timestamps of one batch may lie further apart than 2^31 ms. */
function varlong(bytes: Buffer, position: number): number {
  const first = bytes[position] as number;
  const second = bytes[position + 1] as number;
  if (first < 0x80 || second < 0x80) return varint(bytes, position);
  // Kept halved, as sign and magnitude: a double could not hold the doubled value.
  let next = position + 1;
  let magnitude = (first & 0x7f) >>> 1;
  let byte = second;
  for (let unit = 64; ; unit *= 128) {
    magnitude += (byte & 0x7f) * unit;
    next++;
    if (byte < 0x80) break;
    byte = bytes[next] as number;
    if (byte === undefined) break;
  }
  cursor = next;
  return (first & 1) === 1 ? -magnitude - 1 : magnitude;
}
