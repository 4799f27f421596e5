import type { Program, Programs } from "../model/topology.ts";
import type { PartitionCounts } from "./partition-counts.ts";

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
/** Segments that are small enough for what is purged to give its disk back soon: as of Kafka Streams. */
const QUEUE_SEGMENT_BYTES = 50 * 1024 * 1024;

/**
 * The changelogs of the programs, the control topic, if there is one, and what programs write for each
 * other: repartitions and the requests of hooks. Each has as many partitions as its program has tasks,
 * because a task's state lives in the partition with its number. They take records as large as may
 * be written, where brokers by themselves would not.
 */
export function internalTopics(
  programs: Programs,
  counts: PartitionCounts,
  replicationFactor: number,
  recordBytesMax: number,
): InternalTopic[] {
  const messageBytes = recordBytesMax + OVERHEAD_BYTES;
  const ofAll = programs.map((program) => {
    const partitions = counts.get(program.subtopology) ?? 1;
    const queues = queuesOf(program).map((name) => {
      return {
        name,
        partitions,
        replicationFactor,
        configs: queueConfigs(replicationFactor, messageBytes),
      };
    });
    return { queues, state: topicsOf(program, partitions, replicationFactor, messageBytes) };
  });
  return [...ofAll.flatMap(({ state }) => state), ...ofAll.flatMap(({ queues }) => queues)];
}

/** Sources that programs write: records stay until they are done with, and are then purged. */
export function queuesOf({
  hook,
  sources,
  repartitions = [],
  timers = [],
}: Program): readonly string[] {
  return hook === null ? [...repartitions, ...timers].map(({ topic }) => topic) : sources;
}

function topicsOf(
  program: Program,
  partitions: number,
  replicationFactor: number,
  messageBytes: number,
): InternalTopic[] {
  const changelogs = program.stores.map(({ changelogTopic }) => ({
    name: changelogTopic,
    partitions,
    replicationFactor,
    configs: changelogConfigs(replicationFactor, messageBytes),
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
  return withMinInsync(sized(configs, messageBytes), replicationFactor);
}

/** A record is kept until it is done with, however old it is by its timestamp. */
function queueConfigs(replicationFactor: number, messageBytes: number): Record<string, string> {
  const configs = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "segment.bytes": String(QUEUE_SEGMENT_BYTES),
    "message.timestamp.type": "CreateTime",
  };
  return withMinInsync(sized(configs, messageBytes), replicationFactor);
}

function sized(configs: Record<string, string>, messageBytes: number): Record<string, string> {
  const isLarge = messageBytes > MESSAGE_BYTES_DEFAULT + OVERHEAD_BYTES;
  return isLarge ? { ...configs, "max.message.bytes": String(messageBytes) } : configs;
}

function withMinInsync(
  configs: Record<string, string>,
  replicationFactor: number,
): Record<string, string> {
  if (replicationFactor < REPLICAS_FOR_MIN_INSYNC) return configs;
  return { ...configs, "min.insync.replicas": "2" };
}
