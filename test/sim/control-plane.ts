import { OutriggerError } from "../../src/errors/outrigger-error.ts";
import { type ClusterFacts, MEMBER_ID_PREFIX } from "../../src/model/cluster-facts.ts";
import type { Admin, TopicDescription } from "../../src/ports/admin.ts";
import type { Inspector } from "../../src/ports/inspector.ts";
import type { ModelKafka } from "./kafka/model.ts";
import type { Loop, Process } from "./loop.ts";
import type { Plan } from "./plan.ts";

/** What the product asks of a cluster beside the data path: not atomic, each question takes time. */
interface Asked {
  readonly kafka: ModelKafka;
  readonly loop: Loop;
  readonly owner: Process;
  readonly plan: Plan;
}

function turn({ kafka, loop, owner, plan }: Asked): Promise<void> {
  const ms = kafka.scheduler.random.skewed(0.5, plan.questionMsMax);
  return new Promise((resolve) => loop.after(ms, owner, resolve));
}

export function modelAdmin(asked: Asked): Admin {
  const { kafka, plan } = asked;
  return {
    topicNames: async () => [...kafka.topics.keys()],
    describeTopics: async (names) => {
      await turn(asked);
      const found = new Map<string, TopicDescription>();
      for (const name of names) {
        const topic = kafka.topics.get(name);
        if (topic === undefined) continue;
        const { id, partitions, configs } = topic;
        found.set(name, { name, id, partitions: partitions.length, configs });
      }
      return found;
    },
    createTopics: async (topics) => {
      await turn(asked);
      for (const { name, partitions, configs } of topics) {
        if (kafka.topics.has(name)) continue;
        const retention = ["delete.retention.ms", String(plan.deleteRetentionMs)] as const;
        kafka.createTopic(name, partitions, new Map([...Object.entries(configs), retention]));
      }
    },
    refusals: async () => new Map(),
    deleteRecords: async (before) => {
      await turn(asked);
      for (const { topic, partition, offset } of before) {
        if (kafka.log(topic, partition)?.deleteBefore(offset) === true) continue;
        throw new OutriggerError("BROKER_REFUSED", `${topic}-${partition} has no offset ${offset}`);
      }
    },
  };
}

/**
 * Asks in the order of the real one: what the group has committed first, where the logs end after it.
 * In a world that is to be ruined it cannot see the logs, so that the takeover is what must stop.
 */
export function modelInspector(asked: Asked): Inspector {
  const { kafka, plan } = asked;
  return {
    inspect: async ({ groupId, sources, sinks, changelogs }) => {
      await turn(asked);
      const group = kafka.group(groupId);
      const committed = [...group.committed].map(([name, { offset, metadata }]) => {
        const cut = name.lastIndexOf("-");
        return {
          topic: name.slice(0, cut),
          partition: Number(name.slice(cut + 1)),
          offset,
          metadata,
        };
      });
      const members = [...group.members.values()].map(({ id, topics }) => {
        return { memberId: id, clientId: "model", clientHost: "model", topics };
      });
      await turn(asked);
      const names = [...sources, ...sinks, ...changelogs];
      const there = [...kafka.topics.values()].filter(({ name }) => names.includes(name));
      const logs = there.flatMap(({ partitions }) =>
        plan.expects === null
          ? partitions.map(({ name, logStart, end }) => [name, { start: logStart, end }] as const)
          : [],
      );
      const facts: ClusterFacts = {
        brokers: kafka.nodes.map(({ id }) => {
          const configs = new Map<string, string>();
          return { id, address: `node-${id}`, lacks: [], configs, unreachable: null };
        }),
        features: new Map([
          ["transaction.version", kafka.options.transactionVersion],
          ["group.version", 1],
        ]),
        topics: new Map(
          there.map(({ name, id, partitions, configs }) => {
            const facts = partitions.map(({ partition }) => {
              return { partition, replicas: 3, inSync: 3, hasLeader: true };
            });
            return [name, { name, id, partitions: facts, configs, operations: null }];
          }),
        ),
        group: { protocol: "consumer", members, operations: null },
        committed,
        logs: new Map(logs),
        foreignWriters: [],
        unreadableCodecs: [],
        denied: [],
        unread: [],
      };
      return facts;
    },
  };
}

export function modelMemberId(name: string, events: number): string {
  return `${MEMBER_ID_PREFIX}${name.replace("sidecar ", "")}-${events}`;
}
