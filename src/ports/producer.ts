import type { OutriggerError } from "../errors/outrigger-error.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { Membership } from "./consumer.ts";

/** The records of one cut, appended straight into record batches; sealed and sent by `produce`. */
export interface CutRecords {
  /**
   * Appends one record. Positions point into the buffers given; a length of -1 is null. The bytes
   * are copied. `partition` -1 partitions by murmur2 of the key, as Java's client does (a null key
   * sticks to one partition per batch). `headers` is Kafka's record format (varint count, then
   * each) or null. Throws only for a topic that `prepare` was not given.
   */
  append(record: AppendedRecord): void;
  readonly records: number;
  readonly bytes: number;
  /** Records by topic; counted on demand. */
  byTopic(): Map<string, number>;
}

/** Reused by the caller for every append: the callee keeps no reference to it. */
export interface AppendedRecord {
  topic: string;
  partition: number;
  timestamp: number;
  keyBytes: Buffer;
  keyPosition: number;
  keyLength: number;
  valueBytes: Buffer;
  valuePosition: number;
  valueLength: number;
  headersBytes: Buffer | null;
  headersPosition: number;
  headersEnd: number;
}

/** Offsets of one cut. */
export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** Each refusal names what the table of R-13 decided; `error` says it in words. */
export type Refusal =
  /** The transaction cannot commit, but the producer is well: abort, try the cut again. */
  | { readonly kind: "abortable"; readonly error: OutriggerError }
  /** Fenced, timed out by the broker, or the mapping is gone: InitProducerId before anything else. */
  | { readonly kind: "fenced"; readonly error: OutriggerError }
  | { readonly kind: "fatal"; readonly error: OutriggerError };

export type InitVerdict = { readonly kind: "ready" } | Refusal;

export type ProduceVerdict =
  | {
      readonly kind: "acked";
      /** Last offset acknowledged per partition (`topicPartitionName`); -1 where the broker gave none. */
      readonly lastOffsets: ReadonlyMap<string, number>;
    }
  | Refusal;

export type OffsetsVerdict =
  | { readonly kind: "accepted" }
  /** ILLEGAL_GENERATION, STALE_MEMBER_EPOCH: R-6 asks the group, then may repeat. */
  | { readonly kind: "staleEpoch"; readonly error: OutriggerError }
  /** UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID. */
  | { readonly kind: "memberLost"; readonly error: OutriggerError }
  | Refusal;

export type EndVerdict =
  | { readonly kind: "ended" }
  /** No answer, or a refusal of a repeated request: the outcome is not known. */
  | { readonly kind: "unknown"; readonly error: OutriggerError }
  /** The first and only request was refused: a definite no. */
  | Refusal;

/**
 * One transactional producer: a lane. No call rejects; none is made while another is under way. On
 * transactions v2 (KIP-890) pid and epoch are taken from each InitProducerId and EndTxn answer.
 */
export interface TransactionalProducer {
  /** InitProducerId, repeated while CONCURRENT_TRANSACTIONS, until `signal` ends it. */
  initialize(signal: AbortSignal): Promise<InitVerdict>;
  /** Learns leaders and partition counts of topics that cuts will write. */
  prepare(topics: readonly string[], signal: AbortSignal): Promise<void>;
  begin(): CutRecords;
  /**
   * Sends every batch with acks=all and resolves when all are acknowledged or one is refused. At
   * most 8 requests and 5 batches per partition in flight; a retry never overtakes or is overtaken.
   * The records stay usable: after a definite abort the same cut is produced again.
   */
  produce(records: CutRecords): Promise<ProduceVerdict>;
  /** TxnOffsetCommit; every partition of the answer counts. */
  sendOffsets(offsets: readonly OffsetToCommit[], membership: Membership): Promise<OffsetsVerdict>;
  /**
   * EndTxn. `repeated` says that the same EndTxn was sent before: a refusal then stays unknown. A
   * lost answer is `unknown`, never an abort.
   */
  end(outcome: "commit" | "abort", attempt: "first" | "repeated"): Promise<EndVerdict>;
  close(): Promise<void>;
}
