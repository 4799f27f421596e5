import type { TopicPartition } from "../../model/topic-partition.ts";
import { readInt64 } from "../protocol/wire.ts";
import { corruptBatch } from "./corrupt.ts";
import { crc32c } from "./crc32c.ts";
import { RECORD_BYTES_MIN, type RecordsLocation } from "./decode-records.ts";
import {
  ATTRIBUTES,
  BASE_OFFSET,
  BASE_TIMESTAMP,
  BATCH_LENGTH,
  COMPRESSION_MASK,
  CONTROL_FLAG,
  CRC,
  HEADER_BYTES,
  LAST_OFFSET_DELTA,
  LEADER_EPOCH,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME_FLAG,
  MAGIC,
  MAGIC_V2,
  MAX_TIMESTAMP,
  PRODUCER_ID,
  RECORD_COUNT,
  TRANSACTIONAL_FLAG,
} from "./layout.ts";

/** One batch within a fetched buffer; `position` and `end` are those of its records. */
export interface BatchHeader extends RecordsLocation {
  /** Kept by compaction even when the last record is not. */
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  /** 0 for none. */
  readonly codec: number;
  /** -1 for a producer without an id. */
  readonly producerId: bigint;
  readonly transactional: boolean;
  readonly control: boolean;
}

/**
 * Reads and checks the header of the batch at `position`, its checksum included. Null when the batch
 * is not there as a whole: a broker cuts the last batch of an answer where its bound falls.
 */
export function readBatchHeader(
  bytes: Buffer,
  position: number,
  limit: number,
  at: TopicPartition,
): BatchHeader | null {
  if (limit - position < LENGTH_OVERHEAD) return null;
  const baseOffset = readInt64(bytes, position + BASE_OFFSET);
  const length = bytes.readInt32BE(position + BATCH_LENGTH);
  if (length < HEADER_BYTES - LENGTH_OVERHEAD) {
    throw corruptBatch(at, baseOffset, `a length of ${length}`);
  }
  const end = position + LENGTH_OVERHEAD + length;
  if (end > limit) return null;
  const magic = bytes.readInt8(position + MAGIC);
  if (magic !== MAGIC_V2) {
    throw corruptBatch(at, baseOffset, `record format ${magic}, where 2 is the only one read`);
  }
  const stored = bytes.readUInt32BE(position + CRC);
  const computed = crc32c(bytes.subarray(position + ATTRIBUTES, end));
  if (stored !== computed) {
    throw corruptBatch(at, baseOffset, `checksum ${computed} where the batch says ${stored}`);
  }
  const attributes = bytes.readInt16BE(position + ATTRIBUTES);
  const lastOffsetDelta = bytes.readInt32BE(position + LAST_OFFSET_DELTA);
  const maxTimestamp = readInt64(bytes, position + MAX_TIMESTAMP);
  const baseTimestamp = readInt64(bytes, position + BASE_TIMESTAMP);
  if (!Number.isSafeInteger(baseOffset) || baseOffset < 0 || lastOffsetDelta < 0) {
    throw corruptBatch(at, baseOffset, `offsets from ${baseOffset}, ${lastOffsetDelta} further`);
  }
  if (!Number.isSafeInteger(baseTimestamp) || !Number.isSafeInteger(maxTimestamp)) {
    throw corruptBatch(at, baseOffset, "a timestamp beyond 2^53 ms");
  }
  const codec = attributes & COMPRESSION_MASK;
  const isControl = (attributes & CONTROL_FLAG) !== 0;
  if (isControl && codec !== 0) throw corruptBatch(at, baseOffset, "a marker that is compressed");
  const count = bytes.readInt32BE(position + RECORD_COUNT);
  // Room is made by this count before the records are read, so it is checked first.
  if (count < 0 || (codec === 0 && count * RECORD_BYTES_MIN > length)) {
    throw corruptBatch(at, baseOffset, `${count} records in ${length} bytes`);
  }
  return {
    position: position + HEADER_BYTES,
    end,
    count,
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp,
    logAppendTimestamp: (attributes & LOG_APPEND_TIME_FLAG) !== 0 ? maxTimestamp : null,
    leaderEpoch: bytes.readInt32BE(position + LEADER_EPOCH),
    codec,
    producerId: bytes.readBigInt64BE(position + PRODUCER_ID),
    transactional: (attributes & TRANSACTIONAL_FLAG) !== 0,
    control: isControl,
  };
}
