import type { TopicConfigs } from "../model/cluster-facts.ts";
import type { TopicPartition } from "../model/topic-partition.ts";

/** A topic as the cluster has it. */
export interface TopicDescription {
  readonly name: string;
  /** 32 hex digits; names this incarnation of the topic (KIP-516). */
  readonly id: string;
  readonly partitions: number;
  readonly configs: TopicConfigs;
}

export interface TopicToCreate {
  readonly name: string;
  readonly partitions: number;
  /** -1 takes the broker's default. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** A place in the log of a partition. */
export interface LogOffset extends TopicPartition {
  readonly offset: number;
}

/** The control plane. Rejects with an OutriggerError. */
export interface Admin {
  /** The names of all topics that may be described. */
  topicNames(): Promise<readonly string[]>;
  /** Topics that do not exist are left out of the answer. */
  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>;
  /** Creates what does not exist; resolves when metadata shows every topic with a leader. */
  createTopics(topics: readonly TopicToCreate[]): Promise<void>;
  /** Asks whether these topics could be created; what forbids it, in the broker's words, by topic. */
  refusals(topics: readonly TopicToCreate[]): Promise<ReadonlyMap<string, string>>;
  /** Deletes what each partition has before its offset. Rejects with the first refusal. */
  deleteRecords(before: readonly LogOffset[], signal: AbortSignal): Promise<void>;
}
