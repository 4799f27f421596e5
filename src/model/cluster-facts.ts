import type { TopicPartition } from "./topic-partition.ts";

/** What a look at the cluster found: plain data, which the checks judge. */
export interface ClusterFacts {
  readonly brokers: readonly BrokerFacts[];
  /** Finalized features, `transaction.version` among them (KIP-584). */
  readonly features: ReadonlyMap<string, number>;
  /** By name; those that do not exist or may not be described are left out. */
  readonly topics: ReadonlyMap<string, TopicFacts>;
  readonly group: GroupFacts;
  /** What the group has committed. */
  readonly committed: readonly CommittedFact[];
  /** Of the sources and changelogs, by `<topic>-<partition>`; what could not be read is left out. */
  readonly logs: ReadonlyMap<string, LogFacts>;
  /** Producers that wrote to changelogs and that nobody of this application can be. */
  readonly foreignWriters: readonly ForeignWriter[];
  /** Of the codecs that a topic is written with whoever writes it: those that this client cannot read. */
  readonly unreadableCodecs: readonly string[];
  /** What the brokers refused to this client. */
  readonly denied: readonly Denial[];
  /** What could not be found out, each in a sentence's words, with the reason. */
  readonly unread: readonly string[];
}

/** What is asked of the configuration of a broker: all of it is some 20 kB, most of which nobody reads. */
export const BROKER_CONFIGS = [
  "auto.create.topics.enable",
  "group.consumer.assignors",
  "offset.metadata.max.bytes",
  "offsets.retention.minutes",
  "transaction.max.timeout.ms",
] as const;

/** Likewise of a topic. */
export const TOPIC_CONFIGS = [
  "cleanup.policy",
  "compression.type",
  "delete.retention.ms",
  "max.message.bytes",
  "message.timestamp.type",
  "min.insync.replicas",
  "retention.bytes",
  "retention.ms",
  "unclean.leader.election.enable",
] as const;

/** Values in effect, by the names that were asked for: another name is no question that has an answer. */
export interface Configs<Name extends string> {
  get(name: Name): string | undefined;
}

export type BrokerConfigs = Configs<(typeof BROKER_CONFIGS)[number]>;
export type TopicConfigs = Configs<(typeof TOPIC_CONFIGS)[number]>;

export interface BrokerFacts {
  readonly id: number;
  readonly address: string;
  /** APIs that the sidecar needs and the broker lacks, with both sides' versions. */
  readonly lacks: readonly string[];
  /** Null when the broker cannot be reached, with the reason in `unreachable`. */
  readonly configs: BrokerConfigs | null;
  readonly unreachable: string | null;
}

export interface TopicFacts {
  readonly name: string;
  /** 32 hex digits; names this incarnation of the topic (KIP-516). */
  readonly id: string;
  readonly partitions: readonly PartitionFacts[];
  /** Null where this client may not read them. */
  readonly configs: TopicConfigs | null;
  /** What this client may do with it; null where the brokers do not tell. */
  readonly operations: ReadonlySet<Operation> | null;
}

export interface PartitionFacts {
  readonly partition: number;
  readonly replicas: number;
  readonly inSync: number;
  readonly hasLeader: boolean;
}

export interface GroupFacts {
  /** `consumer` for KIP-848's protocol, `classic` for the older one; null when there is no group. */
  readonly protocol: "consumer" | "classic" | null;
  readonly members: readonly GroupMember[];
  readonly operations: ReadonlySet<Operation> | null;
}

/** A subscription by pattern, as it stands among the topics of a member: no topic has such a name. */
export function patternName(regex: string): string {
  return `topics like ${regex}`;
}

export interface GroupMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  /** What it subscribes to; empty where the brokers do not tell. */
  readonly topics: readonly string[];
}

export interface CommittedFact extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

export interface LogFacts {
  readonly start: number;
  /** Read uncommitted: open transactions are included. */
  readonly end: number;
}

export interface ForeignWriter extends TopicPartition {
  /** `producer id 7`, `transactional id billing-1`, `a producer without an id`. */
  readonly who: string;
  /** For a producer known by its records: where the first one stands that was seen. */
  readonly offset: number | null;
  /** False for one that is only likely to be foreign. */
  readonly isCertain: boolean;
}

/** Kafka's operations, in the words of `kafka-acls.sh`. */
export type Operation = "Read" | "Write" | "Create" | "Delete" | "Describe" | "DescribeConfigs";

export interface Denial {
  readonly resource: "topic" | "group" | "transactional-id" | "cluster";
  readonly name: string;
  readonly operation: Operation;
}

/** Member ids of sidecars begin so: whoever else is in the group is known by it. */
export const MEMBER_ID_PREFIX = "outrigger-";

/** Whether the topic is a changelog by its name. */
export function isChangelogOf(applicationId: string, topic: string): boolean {
  return topic.startsWith(`${applicationId}-`) && topic.endsWith("-changelog");
}

/** Whether the topic keeps the requests of a hook, by its name. */
export function isHookOf(applicationId: string, topic: string): boolean {
  return topic.startsWith(`${applicationId}-`) && topic.endsWith("-hook");
}

/** Whether the topic lies between two sub-topologies, by its name. */
export function isRepartitionOf(applicationId: string, topic: string): boolean {
  return topic.startsWith(`${applicationId}-`) && topic.endsWith("-repartition");
}

/** Whether the topic keeps what has fired at a node, by its name. */
export function isTimersOf(applicationId: string, topic: string): boolean {
  return topic.startsWith(`${applicationId}-`) && topic.endsWith("-timers");
}
