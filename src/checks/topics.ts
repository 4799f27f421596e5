import { BATCH_BYTES_MAX } from "../model/batch-bytes.ts";
import type { TopicFacts } from "../model/cluster-facts.ts";
import { alterTopic, numberOf, present, replicasOf, type Scene } from "./expected.ts";
import { type Finding, finding } from "./finding.ts";
import { partitionFindings } from "./partitions.ts";

/** Sources and sinks; and what is true of every topic that is read or written. */
export function topicFindings(scene: Scene): Finding[] {
  const { sources, sinks, changelogs } = scene;
  const queues = [...scene.hooks, ...scene.repartitions];
  const written = [...sinks, ...changelogs, ...queues];
  return [
    ...missing(scene, sources, "the topology reads it"),
    ...missing(
      scene,
      sinks.filter((name) => name !== scene.expected.deadLetterTopic),
      "the topology writes it",
    ),
    ...missing(scene, deadLetters(scene), "errors.dead.letter.queue.topic.name names it"),
    ...partitionFindings(scene),
    ...present(scene, sources).flatMap((topic) => [
      ...retention(scene, topic),
      ...timestamps(scene, topic),
    ]),
    ...present(scene, [...sinks, ...queues]).flatMap((topic) => replication(scene, topic)),
    ...present(scene, [...new Set([...sources, ...changelogs, ...queues])]).flatMap((topic) =>
      compression(scene, topic),
    ),
    ...present(scene, written).flatMap((topic) => messageSize(scene, topic)),
    ...present(scene, [...new Set([...sources, ...written])]).flatMap((topic) => [
      ...unavailable(topic, written.includes(topic.name)),
      ...uncleanElection(scene, topic),
    ]),
  ];
}

function deadLetters({ expected: { programs, deadLetterTopic } }: Scene): string[] {
  return programs === null || deadLetterTopic === null ? [] : [deadLetterTopic];
}

function missing({ facts }: Scene, names: readonly string[], why: string): Finding[] {
  const hidden = facts.denied.filter(({ resource }) => resource === "topic");
  return names.flatMap((topic) => {
    // One that may not be described may well be there: that is found elsewhere.
    if (facts.topics.has(topic) || hidden.some(({ name }) => name === topic)) return [];
    return [
      finding("topic.missing", {
        subject: `topic ${topic}`,
        problem: `the topic ${topic} does not exist, and ${why}`,
        consequence: "nothing can be processed",
        remedy: "create it, then start again",
      }),
    ];
  });
}

const DAY_MS = 86_400_000;

function retention(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const policy = configs?.get("cleanup.policy") ?? "";
  const ms = numberOf(configs, "retention.ms");
  const byRecordTime = configs?.get("message.timestamp.type") !== "LogAppendTime";
  if (!policy.split(",").includes("delete") || ms === null || ms < 0 || !byRecordTime) return [];
  return [
    finding("source.retention", {
      subject: `topic ${name}`,
      severity: ms < DAY_MS ? "warning" : "note",
      problem:
        `the input ${name} deletes records ${duration(ms)} after their own timestamp ` +
        `(retention.ms=${ms})`,
      consequence:
        "records of the past are deleted soon after they are written, maybe before they are read, " +
        "and an application that was away for longer stops with OFFSET_OUT_OF_RANGE",
      remedy: `where old records are replayed, ${alterTopic(scene, name, "retention.ms=-1")}`,
    }),
  ];
}

/** In the largest unit that leaves a whole number. */
function duration(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [DAY_MS, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
  ];
  const found = units.find(([unit]) => ms >= unit && ms % unit === 0);
  return found === undefined ? `${ms} ms` : `${ms / found[0]} ${found[1]}`;
}

function timestamps(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  if (configs?.get("message.timestamp.type") !== "LogAppendTime") return [];
  return [
    finding("source.timestamps", {
      subject: `topic ${name}`,
      problem: `the input ${name} has message.timestamp.type=LogAppendTime`,
      consequence:
        "event time is when the broker got a record: windows hold what arrived together, and a " +
        "replay through another topic gives other results",
      remedy: alterTopic(scene, name, "message.timestamp.type=CreateTime"),
    }),
  ];
}

const REPLICAS = 3;

function replication(scene: Scene, topic: TopicFacts): Finding[] {
  const { name, configs } = topic;
  const replicas = replicasOf(topic);
  const minInSync = numberOf(configs, "min.insync.replicas");
  if (minInSync !== null && minInSync > replicas) return [unwritable(scene, topic, minInSync)];
  const brokers = scene.facts.brokers.length;
  const isLow = replicas < Math.min(REPLICAS, brokers) || (replicas > 1 && minInSync === 1);
  if (!isLow) return [];
  return [
    finding("sink.replication", {
      subject: `topic ${name}`,
      problem: `the output ${name} has ${replicas} replica(s) and min.insync.replicas=${minInSync ?? "?"}`,
      consequence: "committed results can be lost with one disk",
      remedy: "give it 3 replicas (kafka-reassign-partitions.sh) and min.insync.replicas=2",
    }),
  ];
}

/** More replicas must be in sync than there are. */
export function unwritable(scene: Scene, topic: TopicFacts, minInSync: number): Finding {
  const { name } = topic;
  const isChangelog = scene.changelogs.includes(name);
  const replicas = replicasOf(topic);
  return finding(isChangelog ? "changelog.min.insync" : "sink.replication", {
    subject: `topic ${name}`,
    severity: "forbidden",
    code: "TOPIC_MISCONFIGURED",
    problem: `the topic ${name} has min.insync.replicas=${minInSync}, but ${replicas} replica(s)`,
    consequence: "every write is refused",
    remedy: `add replicas, or ${alterTopic(scene, name, `min.insync.replicas=${replicas}`)}`,
  });
}

function compression(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const codec = configs?.get("compression.type") ?? "";
  if (!scene.facts.unreadableCodecs.includes(codec)) return [];
  return [
    finding("topic.compression", {
      subject: `topic ${name}`,
      problem: `the topic ${name} has compression.type=${codec}, which this platform cannot read`,
      consequence: "the process stops at the first record",
      remedy: alterTopic(scene, name, "compression.type=producer"),
    }),
  ];
}

/** A batch's header, and what a record has beside key, value and headers. */
const OVERHEAD_BYTES = 256;

function messageSize(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  const max = numberOf(configs, "max.message.bytes");
  const { recordBytesMax } = scene.expected;
  if (max === null || max >= Math.max(recordBytesMax, BATCH_BYTES_MAX)) return [];
  const isBatch = max < BATCH_BYTES_MAX;
  const than = isBatch
    ? `the ${BATCH_BYTES_MAX} bytes of a record batch`
    : `producer.max.request.size (${recordBytesMax})`;
  return [
    finding("topic.message.size", {
      subject: `topic ${name}`,
      severity: isBatch ? "forbidden" : "warning",
      problem: `the topic ${name} has max.message.bytes=${max}, below ${than}`,
      consequence: isBatch
        ? "commits are refused as soon as there is much to write"
        : "a record between the two is taken from the application, and then no commit succeeds",
      remedy: isBatch
        ? alterTopic(scene, name, `max.message.bytes=${Math.max(recordBytesMax, 1_048_588)}`)
        : `set producer.max.request.size to at most ${max}, or ` +
          alterTopic(scene, name, `max.message.bytes=${recordBytesMax + OVERHEAD_BYTES}`),
    }),
  ];
}

function unavailable(
  { name, partitions: all, configs }: TopicFacts,
  isWritten: boolean,
): Finding[] {
  const minInSync = isWritten ? (numberOf(configs, "min.insync.replicas") ?? 1) : 1;
  const leaderless = all.filter(({ hasLeader }) => !hasLeader);
  const short = all.filter(
    ({ hasLeader, inSync, replicas }) => hasLeader && inSync < minInSync && minInSync <= replicas,
  );
  const numbers = (list: typeof all) => list.map(({ partition }) => partition).join(", ");
  const said = [
    ...(leaderless.length > 0 ? [`no leader for partition ${numbers(leaderless)}`] : []),
    ...(short.length > 0
      ? [`fewer than min.insync.replicas=${minInSync} in sync for partition ${numbers(short)}`]
      : []),
  ];
  return said.map((what) =>
    finding("topic.unavailable", {
      subject: `topic ${name}`,
      problem: `the topic ${name} has ${what}`,
      consequence: "its tasks wait until that is mended",
      remedy: "bring the brokers back that hold its replicas",
    }),
  );
}

function uncleanElection(scene: Scene, { name, configs }: TopicFacts): Finding[] {
  if (configs?.get("unclean.leader.election.enable") !== "true") return [];
  return [
    finding("topic.unclean.election", {
      subject: `topic ${name}`,
      problem: `the topic ${name} has unclean.leader.election.enable=true`,
      consequence:
        "a replica that lags behind may become leader, and then records that were committed are gone",
      remedy: alterTopic(scene, name, "unclean.leader.election.enable=false"),
    }),
  ];
}
