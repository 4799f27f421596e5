import { readBatchHeader } from "../../../src/kafka/records/batch-header.ts";
import { crc32c } from "../../../src/kafka/records/crc32c.ts";
import { decodeRecords } from "../../../src/kafka/records/decode-records.ts";
import {
  ATTRIBUTES,
  BASE_OFFSET,
  BASE_SEQUENCE,
  BASE_TIMESTAMP,
  BATCH_LENGTH,
  CONTROL_FLAG,
  CRC,
  HEADER_BYTES,
  LAST_OFFSET_DELTA,
  LEADER_EPOCH,
  LENGTH_OVERHEAD,
  MAGIC,
  MAX_TIMESTAMP,
  PRODUCER_EPOCH,
  PRODUCER_ID,
  RECORD_COUNT,
  TRANSACTIONAL_FLAG,
} from "../../../src/kafka/records/layout.ts";
import { RecordColumns } from "../../../src/model/columns.ts";

/** A record as the model keeps it beside the bytes. */
export interface LoggedRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
}

/** The header of a batch that a producer sent. */
export interface SentBatch {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
  readonly transactional: boolean;
  readonly bytes: Buffer;
}

export function readSentBatch(bytes: Buffer): SentBatch {
  return {
    producerId: bytes.readBigInt64BE(PRODUCER_ID),
    producerEpoch: bytes.readInt16BE(PRODUCER_EPOCH),
    baseSequence: bytes.readInt32BE(BASE_SEQUENCE),
    count: bytes.readInt32BE(RECORD_COUNT),
    transactional: (bytes.readInt16BE(ATTRIBUTES) & TRANSACTIONAL_FLAG) !== 0,
    bytes,
  };
}

/** What the leader writes into a batch on append; neither is covered by the checksum. */
export function placeBatch(bytes: Buffer, baseOffset: number, leaderEpoch: number): void {
  bytes.writeBigInt64BE(BigInt(baseOffset), BASE_OFFSET);
  bytes.writeInt32BE(leaderEpoch, LEADER_EPOCH);
}

export function recordsOf(bytes: Buffer): LoggedRecord[] {
  const at = { topic: "model", partition: 0 };
  const header = readBatchHeader(bytes, 0, bytes.length, at);
  if (header === null) throw new Error("a produced batch is not whole");
  const columns = new RecordColumns(bytes, header.count);
  decodeRecords(header, 0, columns, at);
  return Array.from({ length: columns.count }, (_, row) => ({
    offset: columns.offsets[row] ?? 0,
    key: columns.key(row),
    value: columns.value(row),
    timestamp: columns.timestamps[row] ?? 0,
  }));
}

export interface BatchToEncode {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
  readonly control: boolean;
  readonly records: readonly LoggedRecord[];
}

/** Encodes a batch whose records may have gaps: inputs, markers, what compaction left. */
export function encodeBatch(batch: BatchToEncode): Buffer {
  const body: number[] = [];
  const baseTimestamp = batch.records[0]?.timestamp ?? 0;
  let maxTimestamp = baseTimestamp;
  for (const record of batch.records) {
    maxTimestamp = Math.max(maxTimestamp, record.timestamp);
    const fields: number[] = [0];
    varint(fields, record.timestamp - baseTimestamp);
    varint(fields, record.offset - batch.baseOffset);
    field(fields, record.key);
    field(fields, record.value);
    fields.push(0);
    varint(body, fields.length);
    for (const byte of fields) body.push(byte);
  }
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  bytes.set(body, HEADER_BYTES);
  placeBatch(bytes, batch.baseOffset, batch.leaderEpoch);
  bytes.writeInt32BE(bytes.length - LENGTH_OVERHEAD, BATCH_LENGTH);
  bytes.writeInt8(2, MAGIC);
  const flags = (batch.transactional ? TRANSACTIONAL_FLAG : 0) | (batch.control ? CONTROL_FLAG : 0);
  bytes.writeInt16BE(flags, ATTRIBUTES);
  bytes.writeInt32BE(batch.lastOffset - batch.baseOffset, LAST_OFFSET_DELTA);
  bytes.writeBigInt64BE(BigInt(baseTimestamp), BASE_TIMESTAMP);
  bytes.writeBigInt64BE(BigInt(maxTimestamp), MAX_TIMESTAMP);
  bytes.writeBigInt64BE(batch.producerId, PRODUCER_ID);
  bytes.writeInt16BE(batch.producerEpoch, PRODUCER_EPOCH);
  bytes.writeInt32BE(batch.baseSequence, BASE_SEQUENCE);
  bytes.writeInt32BE(batch.records.length, RECORD_COUNT);
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES)), CRC);
  return bytes;
}

function field(to: number[], value: Buffer | null): void {
  varint(to, value === null ? -1 : value.length);
  for (const byte of value ?? []) to.push(byte);
}

/** Zigzag, in BigInt: deltas may be any. */
function varint(to: number[], value: number): void {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest > 0x7f) {
    to.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  to.push(rest);
}
