import type { ClusterFacts } from "../model/cluster-facts.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Inspector } from "../ports/inspector.ts";
import type { DriverCluster } from "./cluster.ts";

export function driverAdmin(cluster: DriverCluster): Admin {
  return {
    topicNames: async () => [...cluster.topics.keys()],
    describeTopics: async (names) => {
      const found = new Map<string, TopicDescription>();
      for (const name of names) {
        const topic = cluster.topics.get(name);
        if (topic === undefined) continue;
        const { id, logs, configs } = topic;
        found.set(name, { name, id, partitions: logs.length, configs });
      }
      return found;
    },
    createTopics: async (topics) => {
      for (const { name, partitions, configs } of topics) {
        if (!cluster.topics.has(name)) cluster.createTopic(name, partitions, configs);
      }
    },
    refusals: async () => new Map(),
    deleteRecords: async () => {},
  };
}

/** Shows a healthy broker, so that what the checks find is of the topics and the topology. */
export function driverInspector(cluster: DriverCluster): Inspector {
  return {
    inspect: async ({ sources, sinks, changelogs }) => {
      const names = [...sources, ...sinks, ...changelogs];
      const topics = [...cluster.topics.values()].filter(({ name }) => names.includes(name));
      const configs = new Map<string, string>();
      const facts: ClusterFacts = {
        brokers: [{ id: 1, address: "test-driver", lacks: [], configs, unreachable: null }],
        features: new Map([
          ["transaction.version", 2],
          ["group.version", 1],
        ]),
        topics: new Map(
          topics.map(({ name, id, logs, configs }) => {
            const partitions = logs.map((_, partition) => {
              return { partition, replicas: 3, inSync: 3, hasLeader: true };
            });
            return [name, { name, id, partitions, configs, operations: null }];
          }),
        ),
        group: { protocol: "consumer", members: [], operations: null },
        committed: [],
        logs: new Map(),
        foreignWriters: [],
        unreadableCodecs: [],
        denied: [],
        unread: [],
      };
      return facts;
    },
  };
}
