import { invariant } from "../../errors/invariant.ts";
import { BufferPool } from "../../model/buffer-pool.ts";
import { Slices } from "../../model/slices.ts";
import { CODEC_NAMES, type CodecName } from "../codecs/codec.ts";
import { loadCodec } from "../codecs/codecs.ts";
import { writeInt64 } from "../protocol/wire.ts";
import { crc32c } from "./crc32c.ts";
import {
  ATTRIBUTES,
  BASE_OFFSET,
  BASE_SEQUENCE,
  BASE_TIMESTAMP,
  BATCH_LENGTH,
  CRC,
  HEADER_BYTES,
  LAST_OFFSET_DELTA,
  LEADER_EPOCH,
  LENGTH_OVERHEAD,
  MAGIC,
  MAGIC_V2,
  MAX_TIMESTAMP,
  PRODUCER_EPOCH,
  PRODUCER_ID,
  RECORD_COUNT,
  TRANSACTIONAL_FLAG,
} from "./layout.ts";

/** The record part of `AppendedRecord`; a length of -1 is null. */
export interface RecordToAppend {
  /** Exact integer, ms. */
  readonly timestamp: number;
  readonly keyBytes: Buffer;
  readonly keyPosition: number;
  readonly keyLength: number;
  readonly valueBytes: Buffer;
  readonly valuePosition: number;
  readonly valueLength: number;
  /** Headers in Kafka's record format, varint count included; null for none. */
  readonly headersBytes: Buffer | null;
  readonly headersPosition: number;
  readonly headersEnd: number;
}

export interface RecordBatchBuilderOptions {
  /** The batch takes no record that would make it larger, except a first one. */
  readonly bytesMax: number;
  readonly transactional: boolean;
  readonly initialBytes?: number;
  /** Where its buffers come from, and go to with `release`; by default they are its own. */
  readonly buffers?: BufferPool;
}

/** Keeps nothing. */
const NO_POOL = new BufferPool(0);
const NOTHING = Buffer.alloc(0);

/**
 * Builds one record batch of one partition straight into the buffer that is sent. Header and
 * checksum come last and may be written again: producer id, epoch and sequence are known only once
 * the previous transaction has ended, and a cut that was aborted is produced again under new ones.
 */
export class RecordBatchBuilder {
  readonly #bytesMax: number;
  readonly #transactional: boolean;
  readonly #pool: BufferPool;
  #buffer: Buffer;
  #position = HEADER_BYTES;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  #codec: CodecName = "none";
  /** Keys and values often come from two buffers. */
  readonly #keys = new Slices();
  readonly #values = new Slices();

  constructor(options: RecordBatchBuilderOptions) {
    this.#bytesMax = options.bytesMax;
    this.#transactional = options.transactional;
    this.#pool = options.buffers ?? NO_POOL;
    this.#buffer = this.#pool.take(options.initialBytes ?? 4096);
  }

  get count(): number {
    return this.#count;
  }

  /** Size of the batch as sealed now: what it takes in memory, and on the wire. */
  get bytes(): number {
    return this.#position;
  }

  /** Copies one record in. False, and nothing changed, when it does not fit any more. */
  append(record: RecordToAppend): boolean {
    invariant(this.#codec === "none", "a compressed batch takes no more records");
    const first = this.#count === 0;
    const baseTimestamp = first ? record.timestamp : this.#baseTimestamp;
    const delta = record.timestamp - baseTimestamp;
    const headersLength =
      record.headersBytes === null ? 1 : record.headersEnd - record.headersPosition;
    const length =
      1 +
      varlongSize(delta) +
      varlongSize(this.#count) +
      fieldSize(record.keyLength) +
      fieldSize(record.valueLength) +
      headersLength;
    const size = varlongSize(length) + length;
    if (!this.#reserve(size, first)) return false;
    const buffer = this.#buffer;
    let at = writeVarlong(buffer, this.#position, length);
    buffer[at++] = 0;
    at = writeVarlong(buffer, at, delta);
    at = writeVarlong(buffer, at, this.#count);
    at = writeVarlong(buffer, at, record.keyLength);
    at = copy(this.#keys, record.keyBytes, record.keyPosition, buffer, at, record.keyLength);
    at = writeVarlong(buffer, at, record.valueLength);
    at = copy(
      this.#values,
      record.valueBytes,
      record.valuePosition,
      buffer,
      at,
      record.valueLength,
    );
    if (record.headersBytes === null) buffer[at++] = 0;
    else {
      const { headersBytes, headersPosition } = record;
      at = copy(this.#values, headersBytes, headersPosition, buffer, at, headersLength);
    }
    invariant(at === this.#position + size, "a record takes the bytes that were computed for it");
    this.#position = at;
    this.#count++;
    if (first) {
      this.#baseTimestamp = record.timestamp;
      this.#maxTimestamp = record.timestamp;
    } else if (record.timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = record.timestamp;
    }
    return true;
  }

  /**
   * Compresses what was appended, once; the batch takes no more records then. Rejects with
   * COMPRESSION_UNSUPPORTED where this platform lacks the codec.
   */
  async compress(name: CodecName): Promise<void> {
    if (name === "none" || this.#codec !== "none") return;
    const codec = await loadCodec(name);
    const packed = await codec.compress(this.#buffer.subarray(HEADER_BYTES, this.#position));
    this.#codec = name;
    this.#position = HEADER_BYTES + packed.length;
    const smaller = this.#pool.take(this.#position);
    packed.copy(smaller, HEADER_BYTES);
    this.#pool.release(this.#buffer);
    this.#buffer = smaller;
  }

  /**
   * Writes header and checksum; -1n, -1, -1 for a producer without an id. The answer is a view that
   * the next `seal` or `append` changes.
   */
  seal(producerId: bigint, producerEpoch: number, baseSequence: number): Buffer {
    invariant(this.#count > 0, "a batch without records is never sealed");
    const buffer = this.#buffer;
    writeInt64(buffer, BASE_OFFSET, 0);
    buffer.writeInt32BE(this.#position - LENGTH_OVERHEAD, BATCH_LENGTH);
    buffer.writeInt32BE(-1, LEADER_EPOCH);
    buffer.writeInt8(MAGIC_V2, MAGIC);
    const codec = CODEC_NAMES.indexOf(this.#codec);
    buffer.writeInt16BE(codec | (this.#transactional ? TRANSACTIONAL_FLAG : 0), ATTRIBUTES);
    buffer.writeInt32BE(this.#count - 1, LAST_OFFSET_DELTA);
    writeInt64(buffer, BASE_TIMESTAMP, this.#baseTimestamp);
    writeInt64(buffer, MAX_TIMESTAMP, this.#maxTimestamp);
    buffer.writeBigInt64BE(producerId, PRODUCER_ID);
    buffer.writeInt16BE(producerEpoch, PRODUCER_EPOCH);
    buffer.writeInt32BE(baseSequence, BASE_SEQUENCE);
    buffer.writeInt32BE(this.#count, RECORD_COUNT);
    buffer.writeUInt32BE(crc32c(buffer.subarray(ATTRIBUTES, this.#position)), CRC);
    return buffer.subarray(0, this.#position);
  }

  /** Gives its bytes away; nobody may read them any more, and only `count` and `bytes` are left. */
  release(): void {
    this.#pool.release(this.#buffer);
    this.#buffer = NOTHING;
  }

  #reserve(size: number, first: boolean): boolean {
    const needed = this.#position + size;
    if (needed > this.#bytesMax && !first) return false;
    if (needed <= this.#buffer.length) return true;
    const doubled = Math.min(this.#buffer.length * 2, this.#bytesMax);
    const grown = this.#pool.take(Math.max(needed, doubled));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#pool.release(this.#buffer);
    this.#buffer = grown;
    return true;
  }
}

function fieldSize(length: number): number {
  return varlongSize(length) + Math.max(length, 0);
}

/** Copies what has a length above 0; answers where it ends. */
function copy(
  slices: Slices,
  from: Buffer,
  start: number,
  to: Buffer,
  at: number,
  length: number,
): number {
  if (length <= 0) return at;
  invariant(start >= 0 && start + length <= from.length, "a record lies within its buffer");
  slices.copy(from, start, to, at, length);
  return at + length;
}

/** Up to here a zigzag value fits the 32 bits of integer arithmetic. */
const SMALL_MAX = 0x3fff_ffff;

// A zigzag varlong doubles its value, which beyond 2^52 a double cannot hold. So a large value is
// kept halved, as magnitude and sign: the first byte takes the sign and six bits, the others seven
// each. A timestamp delta beyond 2^31 ms (25 days) is nothing special this way.

function varlongSize(value: number): number {
  let size = 1;
  if (value <= SMALL_MAX && value >= -SMALL_MAX) {
    for (let rest = ((value << 1) ^ (value >> 31)) >>> 7; rest > 0; rest >>>= 7) size++;
    return size;
  }
  let rest = Math.floor((value < 0 ? -value - 1 : value) / 64);
  for (; rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

function writeVarlong(to: Buffer, at: number, value: number): number {
  let next = at;
  if (value <= SMALL_MAX && value >= -SMALL_MAX) {
    let zigzag = (value << 1) ^ (value >> 31);
    for (; zigzag > 0x7f; zigzag >>>= 7) to[next++] = (zigzag & 0x7f) | 0x80;
    to[next++] = zigzag;
    return next;
  }
  const sign = value < 0 ? 1 : 0;
  const magnitude = sign === 1 ? -value - 1 : value;
  let byte = ((magnitude % 64) << 1) | sign;
  for (let rest = Math.floor(magnitude / 64); rest > 0; rest = Math.floor(rest / 128)) {
    to[next++] = byte | 0x80;
    byte = rest % 128;
  }
  to[next++] = byte;
  return next;
}
