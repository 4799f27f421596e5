import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import {
  encodeBatch,
  type LoggedRecord,
  placeBatch,
  recordsOf,
  type SentBatch,
} from "./records.ts";

/** What becomes of a transaction: decided at its coordinator, before any marker is written. */
export interface Fate {
  readonly number: number;
  outcome: "open" | "commit" | "abort";
}

export interface LoggedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  bytes: Buffer;
  readonly producerId: bigint;
  readonly transactional: boolean;
  readonly control: "commit" | "abort" | null;
  /** null for what no transaction holds. */
  readonly fate: Fate | null;
  readonly appendedAtMs: number;
  records: readonly LoggedRecord[];
}

interface Producer {
  epoch: number;
  lastSequence: number;
  /** The last five batches of this epoch. */
  batches: { first: number; last: number; baseOffset: number }[];
  /** First offset of its open transaction, and what becomes of that. */
  openedAt: number | null;
  fate: Fate | null;
}

const REMEMBERED_BATCHES = 5;
const SEQUENCES = 2 ** 31;

export interface Appended {
  readonly error: number;
  readonly baseOffset: number;
}

/** One partition: its log, and what its leader knows of producers (ProducerStateManager). */
export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  batches: LoggedBatch[] = [];
  /** Everything that was ever appended: compaction takes nothing from here. */
  readonly history: LoggedBatch[] = [];
  logStart = 0;
  end = 0;
  leaderEpoch = 0;
  readonly #producers = new Map<bigint, Producer>();
  readonly #aborted: { producerId: bigint; first: number; last: number }[] = [];
  #stable = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** The last stable offset: before the first offset of every open transaction. */
  get stable(): number {
    let stable = this.end;
    for (const { openedAt } of this.#producers.values()) {
      if (openedAt !== null) stable = Math.min(stable, openedAt);
    }
    if (stable < this.#stable) throw new Error(`the LSO of ${this.name} went back to ${stable}`);
    this.#stable = stable;
    return stable;
  }

  /** Whether this producer has an open transaction here: then no verification is needed. */
  isOpen(producerId: bigint, epoch: number): boolean {
    const producer = this.#producers.get(producerId);
    return producer !== undefined && producer.epoch === epoch && producer.openedAt !== null;
  }

  append(batch: SentBatch, fate: Fate | null, nowMs: number): Appended {
    const { producerId, producerEpoch, baseSequence, count } = batch;
    const known = this.#producers.get(producerId);
    const last = (baseSequence + count - 1) % SEQUENCES;
    if (known !== undefined && producerEpoch < known.epoch) {
      return { error: ERROR.INVALID_PRODUCER_EPOCH, baseOffset: -1 };
    }
    if (known !== undefined && producerEpoch === known.epoch) {
      const same = known.batches.find((b) => b.first === baseSequence && b.last === last);
      if (same !== undefined) return { error: ERROR.NONE, baseOffset: same.baseOffset };
      if (baseSequence !== (known.lastSequence + 1) % SEQUENCES) {
        return { error: ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
      }
    }
    // Of a new epoch, and of a producer that the log knows nothing of, the first is 0 (KIP-890).
    if (producerEpoch !== known?.epoch && baseSequence > 0) {
      return { error: ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
    }
    const baseOffset = this.end;
    const isNew = known === undefined || known.epoch !== producerEpoch;
    const producer: Producer = isNew
      ? { epoch: producerEpoch, lastSequence: -1, batches: [], openedAt: null, fate: null }
      : known;
    producer.lastSequence = last;
    producer.batches.push({ first: baseSequence, last, baseOffset });
    if (producer.batches.length > REMEMBERED_BATCHES) producer.batches.shift();
    if (batch.transactional && producer.openedAt === null) {
      producer.openedAt = baseOffset;
      producer.fate = fate;
    }
    if (producerId >= 0n) this.#producers.set(producerId, producer);
    this.#place(batch.bytes, {
      producerId,
      transactional: batch.transactional,
      fate: batch.transactional ? producer.fate : null,
      count,
      nowMs,
    });
    return { error: ERROR.NONE, baseOffset };
  }

  /** Records that no producer with an id wrote. */
  appendPlain(records: readonly Omit<LoggedRecord, "offset">[], nowMs: number): void {
    const baseOffset = this.end;
    const bytes = encodeBatch({
      baseOffset,
      lastOffset: baseOffset + records.length - 1,
      leaderEpoch: this.leaderEpoch,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      transactional: false,
      control: false,
      records: records.map((record, i) => ({ ...record, offset: baseOffset + i })),
    });
    this.#place(bytes, {
      producerId: -1n,
      transactional: false,
      fate: null,
      count: records.length,
      nowMs,
    });
  }

  /** Ends the producer's transaction here; the marker takes an offset. */
  mark(producerId: bigint, epoch: number, outcome: "commit" | "abort", nowMs: number): void {
    const offset = this.end;
    const key = Buffer.from([0, 0, 0, outcome === "commit" ? 1 : 0]);
    const value = Buffer.alloc(6);
    const bytes = encodeBatch({
      baseOffset: offset,
      lastOffset: offset,
      leaderEpoch: this.leaderEpoch,
      producerId,
      producerEpoch: epoch,
      baseSequence: -1,
      transactional: true,
      control: true,
      records: [{ offset, key, value, timestamp: Math.floor(nowMs) }],
    });
    const known = this.#producers.get(producerId);
    if (known?.openedAt !== null && known?.openedAt !== undefined && outcome === "abort") {
      this.#aborted.push({ producerId, first: known.openedAt, last: offset });
    }
    const kept = known?.epoch === epoch ? known : null;
    this.#producers.set(producerId, {
      epoch,
      lastSequence: kept?.lastSequence ?? -1,
      batches: kept?.batches ?? [],
      openedAt: null,
      fate: null,
    });
    const batch: LoggedBatch = {
      baseOffset: offset,
      lastOffset: offset,
      bytes,
      producerId,
      transactional: true,
      control: outcome,
      fate: null,
      appendedAtMs: nowMs,
      records: [],
    };
    this.batches.push(batch);
    this.history.push(batch);
    this.end = offset + 1;
  }

  /** Batches from the one that holds `from`, up to `limit`; with what a reader must leave out. */
  read(
    from: number,
    limit: number,
    bytesMax: number,
  ): { bytes: Buffer; aborted: { producerId: bigint; firstOffset: number }[] } {
    const found: Buffer[] = [];
    let bytes = 0;
    let upTo = from;
    for (const batch of this.batches) {
      if (batch.lastOffset < from) continue;
      if (batch.baseOffset >= limit) break;
      if (bytes > 0 && bytes + batch.bytes.length > bytesMax) break;
      found.push(batch.bytes);
      bytes += batch.bytes.length;
      upTo = batch.lastOffset + 1;
    }
    const aborted = this.#aborted
      .filter(({ first, last }) => last >= from && first < upTo)
      .map(({ producerId, first }) => ({ producerId, firstOffset: first }));
    return { bytes: Buffer.concat(found), aborted };
  }

  /** Everything committed below `end`, whatever compaction took, in order. */
  *committed(end = Number.POSITIVE_INFINITY): Iterable<LoggedRecord> {
    for (const batch of this.history) {
      if (batch.baseOffset >= end) return;
      if (batch.control !== null) continue;
      if (batch.fate !== null && batch.fate.outcome !== "commit") continue;
      for (const record of batch.records) if (record.offset < end) yield record;
    }
  }

  /**
   * What the cleaner does: of what is decided, keeps the last committed value of each key; tombstones
   * go as soon as they were appended before `tombstonesBefore`. The last batch stays.
   */
  compact(tombstonesBefore: number): void {
    const clean = this.stable;
    const last = new Map<string, number>();
    for (const batch of this.batches) {
      if (batch.lastOffset >= clean || isDropped(batch)) continue;
      for (const { key, offset } of batch.records) {
        if (key !== null) last.set(key.toString("latin1"), offset);
      }
    }
    const kept: LoggedBatch[] = [];
    for (const [index, batch] of this.batches.entries()) {
      const isLast = index === this.batches.length - 1;
      if (batch.lastOffset >= clean || batch.control !== null || isLast) {
        kept.push(batch);
        continue;
      }
      if (isDropped(batch)) continue;
      const records = batch.records.filter(
        ({ key, offset, value }) =>
          key !== null &&
          last.get(key.toString("latin1")) === offset &&
          (value !== null || batch.appendedAtMs >= tombstonesBefore),
      );
      if (records.length === batch.records.length) kept.push(batch);
      else if (records.length > 0) kept.push(recoded(batch, records, this.leaderEpoch));
    }
    this.batches = kept;
  }

  /** DeleteRecords: false where it asks for what is not there yet. */
  deleteBefore(offset: number): boolean {
    if (offset > this.end) return false;
    this.logStart = Math.max(this.logStart, offset);
    this.batches = this.batches.filter((batch) => batch.lastOffset >= this.logStart);
    return true;
  }

  /** An unclean election: the end of the log is gone. */
  truncate(end: number): void {
    this.batches = this.batches.filter((batch) => batch.lastOffset < end);
    this.end = this.batches.at(-1)?.lastOffset ?? -1;
    this.end += 1;
    this.#stable = 0;
  }

  #place(
    sent: Buffer,
    of: {
      producerId: bigint;
      transactional: boolean;
      fate: Fate | null;
      count: number;
      nowMs: number;
    },
  ): void {
    const bytes = Buffer.from(sent);
    const baseOffset = this.end;
    placeBatch(bytes, baseOffset, this.leaderEpoch);
    const lastOffset = baseOffset + of.count - 1;
    const { producerId, transactional, fate } = of;
    const records = recordsOf(bytes);
    const batch: LoggedBatch = {
      baseOffset,
      lastOffset,
      bytes,
      producerId,
      transactional,
      control: null,
      fate,
      appendedAtMs: of.nowMs,
      records,
    };
    this.batches.push(batch);
    this.history.push(batch);
    this.end = lastOffset + 1;
  }
}

function isDropped(batch: LoggedBatch): boolean {
  return batch.fate?.outcome === "abort";
}

function recoded(
  batch: LoggedBatch,
  records: readonly LoggedRecord[],
  leaderEpoch: number,
): LoggedBatch {
  const { baseOffset, lastOffset, producerId, transactional } = batch;
  const bytes = encodeBatch({
    baseOffset,
    lastOffset,
    leaderEpoch,
    producerId,
    producerEpoch: 0,
    baseSequence: -1,
    transactional,
    control: false,
    records,
  });
  return { ...batch, bytes, records };
}
