import type { TopicPartition } from "../model/topic-partition.ts";

/** A task as it is at this moment. */
export interface TaskStatus {
  readonly name: string;
  readonly partition: number;
  readonly epoch: number;
  readonly phase: "restoring" | "claiming" | "running" | "ending" | "stopped" | "closed";
  /** While it restores: the store at hand, and how many changelog offsets are left. */
  readonly restoring: { readonly store: string; readonly remaining: number } | null;
  /** Staged and not yet committed. */
  readonly uncommittedBytes: number;
  readonly inputBytes: number;
  readonly batchesInFlight: number;
  /** Records that wait for a command. */
  readonly parkedRecords: number;
  /** What suppress holds back, by node, as of the last batch that is final. */
  readonly heldBack: readonly {
    readonly node: string;
    readonly records: number;
    /** Of keys, values and headers, as `max_bytes` of a buffer counts them. */
    readonly bytes: number;
  }[];
  /** By source partition, as of its last fetch: behind the last stable offset, and the log's end. */
  readonly lags: readonly (TopicPartition & { readonly lag: number; readonly endLag: number })[];
  /** Why it is stopped. */
  readonly error: string | null;
}

/** The sidecar as it is at this moment: what health, gauges and a person ask for. */
export interface Status {
  readonly phase: "starting" | "waiting" | "preparing" | "active" | "stopping" | "stopped";
  /** Connected applications that were welcomed. */
  readonly workers: number;
  /** The group: joined is having been given an epoch. */
  readonly joined: boolean;
  /** Set while no coordinator answers: since when, and what was last said. */
  readonly unreachable: { readonly sinceMs: number; readonly error: string } | null;
  /** Aborts since the last commit, and the last refusal. */
  readonly abortsInARow: number;
  readonly refusal: string;
  readonly tasks: readonly TaskStatus[];
}
