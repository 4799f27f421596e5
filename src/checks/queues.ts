import { isHookOf, isRepartitionOf, isTimersOf, type TopicFacts } from "../model/cluster-facts.ts";
import { topicPartitionName } from "../model/topic-partition.ts";
import { alterTopic, numberOf, present, type Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";

/** The topics that the sidecars write to read them again: records stay there until they are done with. */
export function queueFindings(scene: Scene): Finding[] {
  return KINDS.flatMap((kind) => [
    ...present(scene, scene[kind.topics]).flatMap((topic) => [
      ...policy(scene, kind, topic),
      ...retention(scene, kind, topic),
      ...purge(scene, kind, topic),
    ]),
    ...gone(scene, kind),
    ...leftOver(scene, kind),
  ]);
}

interface Kind {
  readonly name: "hook" | "repartition" | "timers";
  readonly topics: "hooks" | "repartitions" | "timers";
  readonly isOf: (applicationId: string, topic: string) => boolean;
  readonly said: (topic: string) => string;
  /** What its records are, and what becomes of them. */
  readonly records: string;
  readonly done: string;
  readonly lost: string;
  readonly node: string;
}

const KINDS: readonly Kind[] = [
  {
    name: "hook",
    topics: "hooks",
    isOf: isHookOf,
    said: (topic) => `the topic ${topic} of a hook`,
    records: "requests",
    done: "their hook has run",
    lost: "hooks would not run",
    node: "hook",
  },
  {
    name: "repartition",
    topics: "repartitions",
    isOf: isRepartitionOf,
    said: (topic) => `the repartition topic ${topic}`,
    records: "records",
    done: "they are processed",
    lost: "the others would not be processed",
    node: "repartition",
  },
  {
    name: "timers",
    topics: "timers",
    isOf: isTimersOf,
    said: (topic) => `the topic ${topic} of timers`,
    records: "timers",
    done: "they are handled",
    lost: "the others would not be handled",
    node: "node with timers",
  },
];

function policy(scene: Scene, kind: Kind, { name, configs }: TopicFacts): Finding[] {
  const found = configs?.get("cleanup.policy") ?? "delete";
  if (!found.split(",").includes("compact")) return [];
  return [
    finding(`${kind.name}.policy`, {
      subject: `topic ${name}`,
      problem: `${kind.said(name)} has cleanup.policy=${found}`,
      consequence: `of several ${kind.records} under one key only the last is kept: ${kind.lost}`,
      remedy: alterTopic(scene, name, "cleanup.policy=delete"),
    }),
  ];
}

function retention(scene: Scene, kind: Kind, { name, configs }: TopicFacts): Finding[] {
  const bounds = (["retention.ms", "retention.bytes"] as const).filter((key) => {
    const value = numberOf(configs, key);
    return value !== null && value >= 0;
  });
  return bounds.map((key) =>
    finding(`${kind.name}.retention`, {
      subject: `topic ${name}`,
      problem: `${kind.said(name)} has ${key}=${configs?.get(key)}`,
      consequence:
        `${kind.records} are deleted before ${kind.done}, when one waits for long or its record ` +
        "is old",
      remedy: alterTopic(scene, name, `${key}=-1`),
    }),
  );
}

function purge({ expected }: Scene, kind: Kind, { name, operations }: TopicFacts): Finding[] {
  if (operations === null || operations.has("Delete")) return [];
  return [
    finding(`${kind.name}.purge`, {
      subject: `topic ${name}`,
      problem: `${expected.principal} lacks the right Delete on ${kind.said(name)}`,
      consequence: `${kind.records} that are done with are never deleted, and the topic grows`,
      remedy:
        `grant it: \`kafka-acls.sh --bootstrap-server ${expected.bootstrapServers} --add ` +
        `--allow-principal ${expected.principal} --operation Delete --topic ${name}\``,
    }),
  ];
}

/** A topic that was read, and is not there: it would be made anew, empty, and nobody would notice. */
function gone({ facts, expected, ...scene }: Scene, kind: Kind): Finding[] {
  if (expected.programs === null) return [];
  const names = scene[kind.topics].filter((name) => {
    const isHidden = facts.denied.some((denial) => denial.name === name);
    return !facts.topics.has(name) && !isHidden;
  });
  return names.flatMap((name) => {
    const read = facts.committed.filter(
      (at) => at.topic === name && at.offset > 0 && !facts.logs.has(topicPartitionName(at)),
    );
    if (read.length === 0) return [];
    return [
      finding(`${kind.name}.gone`, {
        subject: `topic ${name}`,
        problem: `${kind.said(name)} does not exist, and ${read.map(topicPartitionName).join(", ")} was read`,
        consequence: `it was deleted, with the ${kind.records} that waited there`,
        remedy:
          "restore it, or reset the application; if nothing had waited, delete the group's offsets of " +
          `that topic: \`kafka-consumer-groups.sh --bootstrap-server ${expected.bootstrapServers} ` +
          `--delete-offsets --group ${expected.applicationId} --topic ${name}\``,
      }),
    ];
  });
}

/** What was taken out of the topology, or renamed: who wrote there was promised that it is read. */
function leftOver({ facts, expected, ...scene }: Scene, kind: Kind): Finding[] {
  if (expected.programs === null) return [];
  const known = scene[kind.topics];
  const gone = facts.committed.filter(
    ({ topic }) => kind.isOf(expected.applicationId, topic) && !known.includes(topic),
  );
  const names = [...new Set(gone.map(({ topic }) => topic))].filter((name) => {
    return facts.topics.has(name);
  });
  return names.map((name) => {
    const waiting = gone.filter(({ topic }) => topic === name).map(topicPartitionName);
    return finding(`${kind.name}.left.over`, {
      subject: `topic ${name}`,
      problem: `the topic ${name} is of no ${kind.node} in this topology (${waiting.join(", ")} was read)`,
      consequence: `${kind.records} that it still has are not ${kind.name === "hook" ? "run" : "processed"}`,
      remedy:
        `declare the ${kind.node} until nothing waits for it; then delete the topic: \`kafka-topics.sh ` +
        `--bootstrap-server ${expected.bootstrapServers} --delete --topic ${name}\``,
    });
  });
}
