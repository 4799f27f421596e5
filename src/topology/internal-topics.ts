import type { Program } from "../model/topology.ts";

/** A topic that the sidecar owns. */
export interface InternalTopic {
  readonly name: string;
  readonly partitions: number;
  /** -1 takes the broker's default. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** From this many replicas on, an acknowledgement must mean that two of them hold the record. */
const REPLICAS_FOR_MIN_INSYNC = 3;

/** A broker's own `message.max.bytes`, and what a record has in its batch beside key and value. */
const MESSAGE_BYTES_DEFAULT = 1_048_588;
const OVERHEAD_BYTES = 256;

/**
 * The changelogs of a program, and its control topic, if it has one: as many partitions as its sources,
 * because a task's state lives in the partition with its number. Changelogs take records as large as may
 * be written, where brokers by themselves would not.
 */
export function internalTopics(
  program: Program,
  partitions: number,
  replicationFactor: number,
  recordBytesMax: number,
): InternalTopic[] {
  const changelogs = program.stores.map(({ changelogTopic }) => ({
    name: changelogTopic,
    partitions,
    replicationFactor,
    configs: changelogConfigs(replicationFactor, recordBytesMax + OVERHEAD_BYTES),
  }));
  if (program.parking === null) return changelogs;
  const name = program.parking.controlTopic;
  const configs = withMinInsync({ "cleanup.policy": "delete" }, replicationFactor);
  return [...changelogs, { name, partitions, replicationFactor, configs }];
}

function changelogConfigs(replicationFactor: number, messageBytes: number): Record<string, string> {
  // Windowed stores are `compact` too: with Kafka Streams' `compact,delete` the broker would delete
  // live windows whenever event time is older than the wall clock by more than the retention.
  // CreateTime, because restoring needs the time of the record, not the time of the append.
  const configs = { "cleanup.policy": "compact", "message.timestamp.type": "CreateTime" };
  const isLarge = messageBytes > MESSAGE_BYTES_DEFAULT + OVERHEAD_BYTES;
  const sized = isLarge ? { ...configs, "max.message.bytes": String(messageBytes) } : configs;
  return withMinInsync(sized, replicationFactor);
}

function withMinInsync(
  configs: Record<string, string>,
  replicationFactor: number,
): Record<string, string> {
  if (replicationFactor < REPLICAS_FOR_MIN_INSYNC) return configs;
  return { ...configs, "min.insync.replicas": "2" };
}
