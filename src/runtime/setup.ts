import { hookTopicsOf, inputsOf, outputsOf } from "../checks/expected.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { TopicFacts } from "../model/cluster-facts.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { Program, Programs } from "../model/topology.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Log } from "../ports/log.ts";
import { internalTopics, queuesOf } from "../topology/internal-topics.ts";
import { type PartitionCounts, partitionCounts } from "../topology/partition-counts.ts";
import type { Preflight } from "./preflight.ts";
import type { ChangelogFacts } from "./takeover.ts";

export interface SetupLimits {
  readonly replicationFactor: number;
  /** Null refuses a topology whose topics are missing; a number makes them with so many partitions. */
  readonly missingTopicPartitions: number | null;
  readonly deadLetterTopic: string | null;
  /** The largest record that is written: changelogs are made to take it. */
  readonly recordBytesMax: number;
}

/** What the cluster holds for a topology, checked and created. */
export interface Prepared {
  /** Tasks of each sub-topology. */
  readonly counts: PartitionCounts;
  readonly changelogs: ReadonlyMap<string, ChangelogFacts>;
  /** Every topic that cuts write. */
  readonly outputs: readonly string[];
  /** `max.message.bytes` of each of them, where the cluster tells it. */
  readonly messageBytesMax: ReadonlyMap<string, number>;
  /** By topic of a hook. */
  readonly hookPartitions: ReadonlyMap<string, number>;
}

type Configured = Pick<TopicFacts, "configs">;

const DELETE_RETENTION_DEFAULT_MS = 86_400_000;

/** Creates the internal topics, once the checks let the topology pass. */
export async function prepareTopics(
  programs: Programs,
  admin: Admin,
  preflight: Pick<Preflight, "check">,
  limits: SetupLimits,
  log: Log,
): Promise<Prepared> {
  const sinks = outputsOf(programs, limits.deadLetterTopic);
  await createMissing([...new Set([...inputsOf(programs), ...sinks])], admin, limits, log);
  const { brokers, topics } = await preflight.check(programs);
  const counts = partitionCounts(programs, (name) => topics.get(name)?.partitions.length);
  const replicationFactor = Math.min(limits.replicationFactor, brokers.length);
  const internal = internalTopics(programs, counts, replicationFactor, limits.recordBytesMax);
  const names = internal.map(({ name }) => name);
  await admin.createTopics(internal.filter(({ name }) => !topics.has(name)));
  const created = await admin.describeTopics(names);
  for (const program of programs) refuseFewCommands(program, counts, created);
  const queues = new Set(programs.flatMap(queuesOf));
  const hooks = new Set(hookTopicsOf(programs));
  const changelogs = new Map<string, ChangelogFacts>();
  const hookPartitions = new Map<string, number>();
  for (const [name, topic] of created) {
    if (hooks.has(name)) hookPartitions.set(name, topic.partitions);
    if (queues.has(name)) continue;
    const retention = Number(topic.configs.get("delete.retention.ms"));
    const known = Number.isFinite(retention) && retention > 0;
    changelogs.set(name, {
      topicId: topic.id,
      deleteRetentionMs: known ? retention : DELETE_RETENTION_DEFAULT_MS,
    });
  }
  const outputs = [...new Set([...sinks, ...names])];
  const messageBytesMax = messageLimits(
    outputs,
    new Map<string, Configured>([...topics, ...created]),
  );
  return { counts, changelogs, outputs, messageBytesMax, hookPartitions };
}

/** The topic of commands to parked records: each task reads the partition with its number. */
function refuseFewCommands(
  { parking, subtopology }: Program,
  counts: PartitionCounts,
  created: ReadonlyMap<string, TopicDescription>,
): void {
  const control = created.get(parking?.controlTopic ?? "");
  const partitions = counts.get(subtopology) ?? 1;
  if (control === undefined || control.partitions >= partitions) return;
  const text =
    `the topic ${control.name} has ${control.partitions} partitions, and the sources have ` +
    `${partitions}: add partitions to it, each task reads the one with its number`;
  throw new OutriggerError("TOPIC_MISCONFIGURED", text);
}

/**
 * A source has grown while it is read, and there are stores: most keys are in other partitions now
 * than their state is. To go on would be to count them anew. Null where that is not so.
 */
export function grownUnderState(
  assigned: readonly TopicPartition[],
  programs: Programs,
  { counts }: Pick<Prepared, "counts">,
): OutriggerError | null {
  for (const { sources, stores, subtopology } of programs) {
    const partitions = counts.get(subtopology) ?? 0;
    const [store] = stores;
    const beyond = assigned.find((at) => sources.includes(at.topic) && at.partition >= partitions);
    if (beyond === undefined || store === undefined) continue;
    return new OutriggerError(
      "TOPIC_MISCONFIGURED",
      `the source ${beyond.topic} has grown while it was read: ${topicPartitionName(beyond)} was assigned, ` +
        `but the changelog ${store.changelogTopic} has ${partitions} partitions. Keys have moved, and ` +
        "state no longer fits them; reset the application, or use another application.id",
    );
  }
  return null;
}

function messageLimits(
  topics: readonly string[],
  described: ReadonlyMap<string, Configured>,
): Map<string, number> {
  const limits = new Map<string, number>();
  for (const topic of topics) {
    const bytes = Number(described.get(topic)?.configs?.get("max.message.bytes"));
    if (bytes > 0) limits.set(topic, bytes);
  }
  return limits;
}

async function createMissing(
  names: readonly string[],
  admin: Admin,
  { missingTopicPartitions, replicationFactor }: SetupLimits,
  log: Log,
): Promise<void> {
  if (missingTopicPartitions === null) return;
  const existing = await admin.describeTopics(names);
  for (const name of names) {
    if (existing.has(name)) continue;
    const partitions = missingTopicPartitions;
    log.info(`the topic ${name} did not exist and is made`, { partitions });
    await admin.createTopics([{ name, partitions, replicationFactor, configs: {} }]);
  }
}
