import type { RowRange } from "../model/rows.ts";
import type { TopicPartition } from "../model/topic-partition.ts";
import type { FetchedChunk, FetchFacts } from "./consumer.ts";

/** Names a span, for the log lines that belong to it: hex, as W3C writes them. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** Names a task in what is told of it. */
export interface TaskLabel {
  readonly name: string;
  readonly epoch: number;
}

/**
 * The spans of one batch, from planning until its outcome is final. While it lives, the sampled
 * records of the batch carry the context of their `process` spans in their headers, so that what the
 * application makes of them is below.
 */
export interface BatchTrace {
  /** Sent to a worker, once for each stage that it comes to; `again` after that worker was lost. */
  dispatched(worker: number, again: boolean): void;
  /** Every outcome is final. */
  done(): void;
  /** The records will be read again: their headers are as they came, the spans end with the reason. */
  undone(reason: string): void;
}

/** The spans of one transaction. */
export interface CommitTrace {
  /**
   * Every record is acknowledged: how many of each topic, sent since the transaction began, and the bytes
   * of all. Changelogs are among them.
   */
  sent(records: ReadonlyMap<string, number>, bytes: number): void;
  /** `error` names why it is not committed: an error of Kafka where there is one. */
  ended(outcome: CommitOutcome, error: string | null): void;
}

export type CommitOutcome = "committed" | "aborted" | "unknown" | "failed";

/** The spans of one takeover: one for each store that is restored. */
export interface TakeoverTrace {
  readonly ids: TraceIds | null;
  restored(store: string, changelog: TopicPartition, records: number, sinceMs: number): void;
  /** null: the task is ready. */
  ended(error: string | null): void;
}

/** What a transaction is about to commit. */
export interface CommitFacts {
  readonly tasks: number;
  readonly traces: readonly (BatchTrace | null)[];
}

/** What a commit settled: input records, and those among them without effects, by the reason. */
export interface SettledRecords {
  readonly records: number;
  readonly dropped: number;
  readonly skipped: number;
  readonly deadLettered: number;
  readonly parked: number;
  readonly released: number;
}

/**
 * What the runtime tells of what it does: once for each fetch, batch, transaction or takeover, never
 * for a record. Every call returns at once and never throws. Traces are null while tracing is off.
 */
export interface Telemetry {
  fetched(chunk: FetchedChunk, facts: FetchFacts): void;
  planned(task: TaskLabel, topic: string, input: RowRange): BatchTrace | null;
  /** A worker answered a batch of `topic`, `ms` after it was sent. */
  answered(topic: string, ms: number): void;
  /** an answer of an older epoch, or to a batch that the worker does not hold. */
  answerDropped(kind: "stale" | "duplicate"): void;
  /** A record failed in the application, or its answer did not fit. */
  recordFailed(): void;
  /** A task stopped for good: the code of the error. */
  taskFailed(code: string): void;
  /** A damaged store was emptied, to be restored from its changelog. */
  storeEmptied(): void;
  commitStarted(facts: CommitFacts): CommitTrace | null;
  /** A state of the transaction machine was left after `ms`. */
  phaseEnded(state: string, ms: number): void;
  /** A transaction took `ms`, `sent` so many records to each topic, and settled so many. */
  committed(ms: number, sent: ReadonlyMap<string, number>, settled: SettledRecords): void;
  /** The age of a batch's first record when its outcome was committed, by its timestamp. */
  age(topic: string, ms: number): void;
  aborted(cause: string): void;
  unresolved(): void;
  /** A request of the producer was refused or not answered, and what follows from that. */
  producerError(error: string, kind: "retriable" | "abortable" | "fenced" | "fatal"): void;
  takeover(task: TaskLabel): TakeoverTrace | null;
}
