/** RocksDB's log format: blocks of 32 KiB, records cut into fragments `crc u32 | length u16 | type u8`. */
const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const LENGTH_AT = 4;
const TYPE_AT = 6;
/** Whole, first, middle and last fragment of a record are 1 to 4. */
const FULL = 1;
const FIRST = 2;
const LAST = 4;

export interface ReadLog {
  readonly records: readonly Buffer[];
  /** Whether the file ends where a record does: RocksDB passes over the rest in silence. */
  readonly isWhole: boolean;
}

/** The records up to the end, or to where there are none any more. Checksums are RocksDB's to check. */
export function readLog(bytes: Buffer): ReadLog {
  const records: Buffer[] = [];
  let fragments: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const leftOfBlock = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (leftOfBlock < HEADER_BYTES) {
      at += leftOfBlock;
      continue;
    }
    if (bytes.length - at < HEADER_BYTES) return { records, isWhole: false };
    const type = bytes[at + TYPE_AT] ?? 0;
    const end = at + HEADER_BYTES + bytes.readUInt16LE(at + LENGTH_AT);
    const begins = type === FULL || type === FIRST;
    const isKnown = type >= FULL && type <= LAST && begins === (fragments.length === 0);
    if (!isKnown || end > bytes.length || end > at + leftOfBlock)
      return { records, isWhole: false };
    fragments.push(bytes.subarray(at + HEADER_BYTES, end));
    if (type === FULL || type === LAST) {
      records.push(fragments.length === 1 ? (fragments[0] ?? bytes) : Buffer.concat(fragments));
      fragments = [];
    }
    at = end;
  }
  return { records, isWhole: fragments.length === 0 };
}

/** A write-ahead log's record: the sequence number of its first write, and how many it has. */
export function sequencesOf(batch: Buffer): { readonly first: number; readonly count: number } {
  if (batch.length < SEQUENCE_BYTES + COUNT_BYTES) return { first: 0, count: 0 };
  const first = Number(batch.readBigUInt64LE(0));
  return { first, count: batch.readUInt32LE(SEQUENCE_BYTES) };
}

const SEQUENCE_BYTES = 8;
const COUNT_BYTES = 4;

/** What a manifest's record says of the write-ahead logs; null for what it does not say. */
export interface VersionEdit {
  /** Logs below this number are in the tables. */
  readonly logNumber: number | null;
  /** The last sequence number in the tables. */
  readonly lastSequence: number | null;
}

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const PREVIOUS_LOG_NUMBER = 9;
const LOG_NUMBER_TO_KEEP = 10;
const NUMBERS: readonly number[] = [NEXT_FILE_NUMBER, PREVIOUS_LOG_NUMBER, LOG_NUMBER_TO_KEEP];
/** Tags from here on carry their length, so that older versions can pass over them. */
const IGNORABLE = 1 << 13;

/** What is asked for stands ahead of the tables, at the first of which this stops. */
export function readVersionEdit(edit: Buffer): VersionEdit {
  let logNumber: number | null = null;
  let lastSequence: number | null = null;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = edit[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < edit.length) {
    const tag = varint();
    if (tag === COMPARATOR || (tag & IGNORABLE) !== 0) at += varint();
    else if (tag === LOG_NUMBER) logNumber = varint();
    else if (tag === LAST_SEQUENCE) lastSequence = varint();
    else if (NUMBERS.includes(tag)) varint();
    else break;
  }
  return { logNumber, lastSequence };
}
