import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Program } from "../model/topology.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Log } from "../ports/log.ts";
import { METADATA_BYTES_MAX, metadataBytesMax } from "../tasks/offset-metadata.ts";
import { internalTopics } from "../topology/internal-topics.ts";
import type { ChangelogFacts } from "./takeover.ts";

export interface SetupLimits {
  readonly replicationFactor: number;
  readonly transactionTimeoutMs: number;
  /** Null refuses a topology whose topics are missing; a number makes them with so many partitions. */
  readonly missingTopicPartitions: number | null;
  readonly deadLetterTopic: string | null;
}

/** What the cluster holds for a topology, checked and created. */
export interface Prepared {
  readonly partitions: number;
  readonly changelogs: ReadonlyMap<string, ChangelogFacts>;
  /** Every topic that cuts write. */
  readonly outputs: readonly string[];
  /** `max.message.bytes` of each of them, where the cluster tells it. */
  readonly messageBytesMax: ReadonlyMap<string, number>;
}

const DELETE_RETENTION_DEFAULT_MS = 86_400_000;

/** Refuses what exactly-once cannot stand on, with the remedy; creates the internal topics. */
export async function prepareTopics(
  program: Program,
  admin: Admin,
  limits: SetupLimits,
  log: Log,
): Promise<Prepared> {
  const replicationFactor = await checkCluster(admin, limits, log);
  checkMetadata(program);
  const { deadLetterTopic } = limits;
  const sinks = sinkTopics(program);
  if (deadLetterTopic !== null && !sinks.includes(deadLetterTopic)) sinks.push(deadLetterTopic);
  const named = [...new Set([...program.sources, ...sinks])];
  await createMissing(named, admin, limits, log);
  const described = await admin.describeTopics(named);
  const partitions = sourcePartitions(program, described);
  for (const topic of sinks) {
    const isLetters = topic === deadLetterTopic;
    const why = isLetters
      ? "errors.dead.letter.queue.topic.name names it"
      : "the topology writes it";
    if (!described.has(topic)) throw missing(topic, why);
  }
  const internal = internalTopics(program, partitions, replicationFactor);
  const names = internal.map(({ name }) => name);
  const existing = await admin.describeTopics(names);
  await admin.createTopics(internal.filter(({ name }) => !existing.has(name)));
  const changelogs = new Map<string, ChangelogFacts>();
  const created = await admin.describeTopics(names);
  for (const [name, topic] of created) {
    checkChangelog(topic, partitions);
    const retention = Number(topic.configs.get("delete.retention.ms"));
    const known = Number.isFinite(retention) && retention > 0;
    changelogs.set(name, {
      topicId: topic.id,
      deleteRetentionMs: known ? retention : DELETE_RETENTION_DEFAULT_MS,
    });
  }
  const outputs = [...new Set([...sinks, ...names])];
  const messageBytesMax = messageLimits(outputs, new Map([...described, ...created]));
  return { partitions, changelogs, outputs, messageBytesMax };
}

function messageLimits(
  topics: readonly string[],
  described: ReadonlyMap<string, TopicDescription>,
): Map<string, number> {
  const limits = new Map<string, number>();
  for (const topic of topics) {
    const bytes = Number(described.get(topic)?.configs.get("max.message.bytes"));
    if (bytes > 0) limits.set(topic, bytes);
  }
  return limits;
}

async function checkCluster(admin: Admin, limits: SetupLimits, log: Log): Promise<number> {
  const { brokers, features, transactionMaxTimeoutMs } = await admin.describeCluster();
  const version = features.get("transaction.version") ?? 0;
  if (version < 2) {
    throw new OutriggerError(
      "BROKER_INCOMPATIBLE",
      `the cluster has finalized transaction.version ${version}; exactly-once needs 2 (KIP-890), ` +
        "which Kafka 4.0 and later have. Upgrade the brokers, then finalize the feature with " +
        "`kafka-features.sh upgrade --feature transaction.version=2`",
    );
  }
  if (limits.transactionTimeoutMs > transactionMaxTimeoutMs) {
    throw new OutriggerError(
      "CONFIG_INVALID",
      `transaction.timeout.ms is ${limits.transactionTimeoutMs}, above the brokers' ` +
        `transaction.max.timeout.ms of ${transactionMaxTimeoutMs}: lower it`,
    );
  }
  if (brokers >= limits.replicationFactor) return limits.replicationFactor;
  log.warn(
    `replication.factor is ${limits.replicationFactor}, but the cluster has ${brokers} broker(s): ` +
      "internal topics are created with fewer replicas, and state is lost with the disk of one",
    { replicationFactor: brokers },
  );
  return brokers;
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

function checkMetadata(program: Program): void {
  const bytes = metadataBytesMax(program.stores.map(({ name }) => name));
  if (bytes <= METADATA_BYTES_MAX) return;
  throw new OutriggerError(
    "TOPOLOGY_INVALID",
    `the names of ${program.stores.length} stores need ${bytes} bytes of offset metadata; brokers ` +
      `take ${METADATA_BYTES_MAX} (offset.metadata.max.bytes): use fewer stores or shorter names`,
  );
}

function sinkTopics(program: Program): string[] {
  const staged = program.stage?.sinks.map(({ topic }) => topic) ?? [];
  return [...new Set([...staged, ...program.directSinks])];
}

function sourcePartitions(
  program: Program,
  described: ReadonlyMap<string, TopicDescription>,
): number {
  const counts = program.sources.map((topic) => {
    const found = described.get(topic);
    if (found === undefined) throw missing(topic, "the topology reads it");
    return found.partitions;
  });
  const partitions = Math.max(...counts);
  if (counts.every((count) => count === partitions)) return partitions;
  const said = program.sources.map((topic, i) => `${topic} has ${counts[i]}`).join(", ");
  throw new OutriggerError(
    "TOPIC_MISCONFIGURED",
    `the sources of one sub-topology need equal partition counts, but ${said}`,
  );
}

function missing(topic: string, why: string): OutriggerError {
  return new OutriggerError(
    "TOPIC_MISSING",
    `the topic ${topic} does not exist, and ${why}: create it, then start again`,
  );
}

function checkChangelog(topic: TopicDescription, partitions: number): void {
  if (topic.partitions !== partitions) {
    throw new OutriggerError(
      "TOPIC_MISCONFIGURED",
      `the changelog ${topic.name} has ${topic.partitions} partitions, the source ${partitions}: ` +
        "the source was repartitioned. Reset the application, or use another application.id",
    );
  }
  const policy = topic.configs.get("cleanup.policy") ?? "compact";
  if (!policy.split(",").includes("compact")) {
    throw new OutriggerError(
      "TOPIC_MISCONFIGURED",
      `the changelog ${topic.name} has cleanup.policy=${policy}, which deletes state: set compact`,
    );
  }
}
