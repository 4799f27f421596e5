import type { OutriggerError } from "../errors/outrigger-error.ts";
import type { RecordColumns } from "../model/columns.ts";
import type { TopicPartition } from "../model/topic-partition.ts";

/** Records of one partition, read committed: aborted transactions and markers are stepped over. */
export interface FetchedChunk extends TopicPartition {
  /** What `start` was given for this partition: chunks of an older fence are to be dropped. */
  readonly fence: number;
  /** Visible records with offsets at or above the position; may be empty. */
  readonly columns: RecordColumns;
  /** The consumer's position after this chunk: steps over markers and aborted ranges. */
  readonly nextOffset: number;
  /** Leader epoch of the last batch, -1 when unknown. */
  readonly leaderEpoch: number;
  /** Bytes that the chunk keeps alive. */
  readonly bytes: number;
  /** The first of its batches that is part of no transaction, where there is one. */
  readonly untransacted?: Untransacted;
}

/** Records written without a transaction: usual in an input, none of ours in a changelog. */
export interface Untransacted {
  readonly offset: number;
  /** -1 for a producer without an id. */
  readonly producerId: bigint;
}

/** What a fetch answer says besides records. */
export interface FetchFacts {
  /** When the fetch was sent, monotonic ms. */
  readonly requestedAtMs: number;
  /** Where readers of committed records must stop, and where the log ends. */
  readonly lastStableOffset: number;
  readonly highWatermark: number;
}

/** Told by the consumer; each call is made from the event loop, never reentrant. */
export interface ConsumerListener {
  fetched(chunk: FetchedChunk, facts: FetchFacts): void;
  /** A fetch brought nothing for the partition, which is read on at `position`. */
  empty(at: TopicPartition, fence: number, position: number, facts: FetchFacts): void;
  /** The partition cannot be read further: out of range, corrupt, unauthorised. It is stopped. */
  failed(at: TopicPartition, fence: number, error: OutriggerError): void;
}

/** Fetches partitions, read committed, Java's abort filter (KIP-98). Retries what is retriable. */
export interface Consumer {
  /** Fetches from `offset` on; replaces an earlier start of the same partition. */
  start(at: TopicPartition, from: { offset: number; leaderEpoch: number; fence: number }): void;
  stop(at: TopicPartition): void;
  /** No further fetch includes a paused partition; what is under way still arrives. */
  pause(at: TopicPartition): void;
  resume(at: TopicPartition): void;
  /**
   * Until `untilMs` (monotonic), when the next cut is due, fetches of a quiet input may leave up to
   * `gapMs` apart, to bring more each; the closer it is, the less. The last one leaves early enough for
   * that cut, and the next `gapMs` behind it.
   */
  gather(untilMs: number, gapMs: number): void;
  close(): Promise<void>;
}

/** What the group knows of a partition. */
export interface CommittedOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** Offsets of the group and of logs. Every call retries retriable errors until `signal` ends it. */
export interface Offsets {
  /**
   * OffsetFetch with require_stable (KIP-447): waits while a transaction is pending on a partition
   * (UNSTABLE_OFFSET_COMMIT). A partition without a committed offset is left out of the answer.
   */
  committed(
    membership: Membership,
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<Map<string, CommittedOffset>>;
  /** Log start, and log end read uncommitted (not the LSO: KAFKA-10167). */
  range(at: TopicPartition, signal: AbortSignal): Promise<{ start: number; end: number }>;
  /** Reads `[from, target)`, read committed, as chunks; ends when the position has reached `target`. */
  read(
    at: TopicPartition,
    from: number,
    target: number,
    signal: AbortSignal,
  ): AsyncIterable<FetchedChunk>;
}

/** Who commits: carried by OffsetFetch and TxnOffsetCommit. */
export interface Membership {
  readonly memberId: string;
  readonly memberEpoch: number;
}

/** One ConsumerGroupHeartbeat (KIP-848); the kernel decides when, and what it says. */
export interface HeartbeatRequest {
  readonly memberId: string;
  /** 0 joins, -1 leaves. */
  readonly memberEpoch: number;
  /** Topics to read; null leaves them unchanged. Must be given when joining. */
  readonly topics: readonly string[] | null;
  /** RE2 that whole names of topics match, read beside `topics`; left out: unchanged, or none. */
  readonly pattern?: string;
  /** Partitions owned, which acknowledges a revocation; null leaves them unchanged. */
  readonly owned: readonly TopicPartition[] | null;
  readonly rebalanceTimeoutMs: number;
  readonly assignor: string | null;
}

export type HeartbeatAnswer =
  | {
      readonly kind: "member";
      readonly memberEpoch: number;
      readonly heartbeatIntervalMs: number;
      /** The whole target assignment; null when unchanged since the last answer. */
      readonly assignment: readonly TopicPartition[] | null;
    }
  /** UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH: everything owned is lost; join again. */
  | { readonly kind: "lost"; readonly error: OutriggerError }
  /** No answer, or one that asks to try again. */
  | { readonly kind: "retriable"; readonly error: OutriggerError }
  | { readonly kind: "fatal"; readonly error: OutriggerError };

/** The group coordinator. Never rejects: an answer is a verdict. */
export interface Group {
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer>;
}
