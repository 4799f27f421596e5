/**
 * Record batch v2 (KIP-98), the only format since Kafka 4.0. Where each field of the header stands;
 * the checksum covers everything from the attributes to the end.
 */
export const BASE_OFFSET = 0;
/** Bytes that follow this field. */
export const BATCH_LENGTH = 8;
export const LEADER_EPOCH = 12;
export const MAGIC = 16;
export const CRC = 17;
export const ATTRIBUTES = 21;
export const LAST_OFFSET_DELTA = 23;
export const BASE_TIMESTAMP = 27;
export const MAX_TIMESTAMP = 35;
export const PRODUCER_ID = 43;
export const PRODUCER_EPOCH = 51;
export const BASE_SEQUENCE = 53;
export const RECORD_COUNT = 57;
export const HEADER_BYTES = 61;

/** What the length field does not count: the base offset and itself. */
export const LENGTH_OVERHEAD = 12;

export const MAGIC_V2 = 2;

export const COMPRESSION_MASK = 0x07;
/** Every record has the batch's maximum timestamp: the broker's clock. */
export const LOG_APPEND_TIME_FLAG = 0x08;
export const TRANSACTIONAL_FLAG = 0x10;
export const CONTROL_FLAG = 0x20;

/** Control records: key = int16 version, int16 type. */
export const CONTROL_TYPE_ABORT = 0;
