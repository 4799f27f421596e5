import { isChangelogOf, type TopicFacts } from "../model/cluster-facts.ts";
import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import { alterTopic, numberOf, present, replicasOf, type Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";
import { unwritable } from "./topics.ts";

/** The topics that state is restored from. */
export function changelogFindings(scene: Scene): Finding[] {
  return [
    ...present(scene, scene.changelogs).flatMap((topic) => [
      ...policy(scene, topic),
      ...timestamps(scene, topic),
      ...minInSync(scene, topic),
      ...tombstones(scene, topic),
    ]),
    ...replication(scene),
    ...leftOver(scene),
    ...foreignWriters(scene),
  ];
}

function policy(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const value = configs?.get("cleanup.policy");
  if (value === undefined) return [];
  const policies = value.split(",");
  if (!policies.includes("compact")) {
    return [
      finding("changelog.policy", {
        subject: `topic ${name}`,
        problem: `the changelog ${name} has cleanup.policy=${value}`,
        consequence: "the brokers delete state that is in use",
        remedy: alterTopic(scene, name, "cleanup.policy=compact"),
      }),
    ];
  }
  const bounds = (["retention.ms", "retention.bytes"] as const).flatMap((key) => {
    const bound = numberOf(configs, key);
    return bound === null || bound < 0 ? [] : [`${key}=${bound}`];
  });
  if (!policies.includes("delete") || bounds.length === 0) return [];
  return [
    finding("changelog.retention", {
      subject: `topic ${name}`,
      problem: `the changelog ${name} has cleanup.policy=${value} with ${bounds.join(" and ")}`,
      consequence:
        "what is older by its own timestamp is deleted, live windows too when old records are " +
        "replayed, and a restore finds less than was committed",
      remedy: alterTopic(scene, name, "cleanup.policy=compact"),
    }),
  ];
}

function timestamps(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  if (configs?.get("message.timestamp.type") !== "LogAppendTime") return [];
  return [
    finding("changelog.timestamps", {
      subject: `topic ${name}`,
      problem: `the changelog ${name} has message.timestamp.type=LogAppendTime`,
      consequence: "a restore would take the time of the append for the time of the record",
      remedy: alterTopic(scene, name, "message.timestamp.type=CreateTime"),
    }),
  ];
}

function minInSync(scene: Scene, topic: TopicFacts): Finding[] {
  const { name, configs } = topic;
  const value = numberOf(configs, "min.insync.replicas");
  const replicas = replicasOf(topic);
  if (value === null) return [];
  if (value > replicas) return [unwritable(scene, topic, value)];
  if (value >= 2 || replicas < 2) return [];
  return [
    finding("changelog.min.insync", {
      subject: `topic ${name}`,
      ...(replicas < REPLICAS ? { severity: "warning" } : {}),
      problem: `the changelog ${name} has min.insync.replicas=${value} with ${replicas} replicas`,
      consequence: "a commit can succeed on one disk alone, and state is lost with it",
      remedy:
        replicas < REPLICAS
          ? "give it 3 replicas (kafka-reassign-partitions.sh), then min.insync.replicas=2"
          : alterTopic(scene, name, "min.insync.replicas=2"),
    }),
  ];
}

const TOMBSTONES_MS_MIN = 3_600_000;

function tombstones(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const ms = numberOf(configs, "delete.retention.ms");
  if (ms === null || ms >= TOMBSTONES_MS_MIN) return [];
  return [
    finding("changelog.tombstones", {
      subject: `topic ${name}`,
      problem: `the changelog ${name} has delete.retention.ms=${ms}`,
      consequence:
        `a sidecar that was away for half of it, ${ms / 2} ms, wipes its state and restores ` +
        "everything, or deleted keys would come back",
      remedy: alterTopic(scene, name, "delete.retention.ms=86400000"),
    }),
  ];
}

const REPLICAS = 3;

/** Of those that are there, and of those that are going to be made. */
function replication(scene: Scene): Finding[] {
  const { facts, expected, changelogs } = scene;
  const brokers = facts.brokers.length;
  const planned = expected.replicationFactor < 0 ? brokers : expected.replicationFactor;
  return changelogs.flatMap((name) => {
    const topic = facts.topics.get(name);
    const replicas = topic === undefined ? Math.min(planned, brokers) : replicasOf(topic);
    if (replicas >= REPLICAS) return [];
    // Where it cannot be better, or was asked for, it is said and not refused.
    const isMeant = brokers < REPLICAS || expected.replicationFactor <= replicas;
    return [
      finding("changelog.replication", {
        subject: `topic ${name}`,
        ...(isMeant ? { severity: "warning" } : {}),
        problem: `the changelog ${name} ${topic === undefined ? "will have" : "has"} ${replicas} replica(s)`,
        consequence: "committed state is lost with the disks of those",
        remedy:
          brokers < REPLICAS
            ? `run ${REPLICAS} brokers or more (there are ${brokers}), for anything but development`
            : `give it ${REPLICAS} replicas: kafka-reassign-partitions.sh, or replication.factor ` +
              "before it is made",
      }),
    ];
  });
}

function leftOver({ facts, expected, changelogs }: Scene): Finding[] {
  if (expected.programs === null) return [];
  return [...facts.topics.keys()]
    .filter((name) => isChangelogOf(expected.applicationId, name) && !changelogs.includes(name))
    .map((name) =>
      finding("changelog.left.over", {
        subject: `topic ${name}`,
        problem: `the topic ${name} is a changelog of no store in this topology`,
        consequence: "it takes space, and a store of that name would be restored from it",
        remedy:
          "if the store is gone for good, delete it: `kafka-topics.sh --bootstrap-server " +
          `${expected.bootstrapServers} --delete --topic ${name}\``,
      }),
    );
}

function foreignWriters({ facts, expected, changelogs }: Scene): Finding[] {
  return facts.foreignWriters
    .filter(({ topic }) => changelogs.includes(topic))
    .map((writer) => {
      const at: TopicPartition = writer;
      const where = writer.offset === null ? "" : `, first seen at offset ${writer.offset}`;
      const verb = writer.isCertain ? "wrote" : "seems to have written";
      return finding("changelog.foreign.writer", {
        subject: `partition ${topicPartitionName(at)}`,
        ...(writer.isCertain ? {} : { severity: "warning" }),
        problem: `${writer.who} ${verb} into the changelog ${topicPartitionName(at)}${where}`,
        consequence: "state holds what no input led to, and every result from it is in doubt",
        remedy:
          "stop that producer and take its right to write; then reset the application, so that " +
          "state is computed anew, or accept what it wrote: check.accept: changelog.foreign.writer" +
          (writer.isCertain
            ? ""
            : `; \`kafka-transactions.sh --bootstrap-server ${expected.bootstrapServers} ` +
              `describe-producers --topic ${writer.topic} --partition ${writer.partition}\` tells more`),
      });
    });
}
