import type { Expected } from "../../../src/checks/expected.ts";
import type { BrokerFacts, ClusterFacts, TopicFacts } from "../../../src/model/cluster-facts.ts";
import { encodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import { statefulProgram } from "../../support/world/kernel-world.ts";

/** Three brokers, one input, one output, one changelog: nothing is wrong. */
export function soundFacts(changes: Partial<ClusterFacts> = {}): ClusterFacts {
  const topics = [topicFacts("in"), topicFacts("out"), topicFacts("app-state-changelog")];
  return {
    brokers: [brokerFacts(1), brokerFacts(2), brokerFacts(3)],
    features: new Map([
      ["transaction.version", 2],
      ["group.version", 1],
    ]),
    topics: new Map(topics.map((topic) => [topic.name, topic])),
    group: { protocol: "consumer", members: [], operations: null },
    committed: [committed(0, 5), committed(1, 7)],
    logs: new Map(
      ["in-0", "in-1", "app-state-changelog-0", "app-state-changelog-1"].map((name) => [
        name,
        { start: 0, end: 10 },
      ]),
    ),
    foreignWriters: [],
    unreadableCodecs: ["zstd"],
    denied: [],
    unread: [],
    ...changes,
  };
}

export function withTopic(changes: Partial<TopicFacts> & { readonly name: string }): ClusterFacts {
  const facts = soundFacts();
  const topic = { ...topicFacts(changes.name), ...facts.topics.get(changes.name), ...changes };
  return { ...facts, topics: new Map([...facts.topics, [topic.name, topic]]) };
}

export function brokerFacts(id: number, configs: Record<string, string> = {}): BrokerFacts {
  const address = `b${id}:9092`;
  return { id, address, lacks: [], configs: new Map(Object.entries(configs)), unreachable: null };
}

export function topicFacts(
  name: string,
  replicas = 3,
): TopicFacts & { readonly configs: ReadonlyMap<string, string> } {
  const isChangelog = name.endsWith("-changelog");
  const configs: Record<string, string> = {
    "cleanup.policy": isChangelog ? "compact" : "delete",
    "retention.ms": isChangelog ? "604800000" : "-1",
    "min.insync.replicas": "2",
    "delete.retention.ms": "86400000",
    "max.message.bytes": "1048588",
    "message.timestamp.type": "CreateTime",
  };
  const partitions = [0, 1].map((partition) => {
    return { partition, replicas, inSync: replicas, hasLeader: true };
  });
  const id = "a".repeat(32);
  return { name, id, partitions, configs: new Map(Object.entries(configs)), operations: null };
}

export function committed(partition: number, end: number) {
  const changelogs = new Map([["state", { topicId: "a".repeat(32), end }]]);
  const fields = { streamTimeMs: 0, commitSequence: 1, changelogs, trial: null };
  const metadata = encodeOffsetMetadata(fields);
  return { topic: "in", partition, offset: 3, metadata };
}

export const expected: Expected = {
  applicationId: "app",
  bootstrapServers: "b1:9092",
  principal: "User:app",
  replicationFactor: 3,
  transactionTimeoutMs: 10_000,
  recordBytesMax: 1_048_576,
  deadLetterTopic: null,
  accepted: [],
  programs: [statefulProgram],
};
