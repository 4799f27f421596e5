import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { ClusterFacts, TopicFacts } from "../../../src/model/cluster-facts.ts";
import type { Program, Programs } from "../../../src/model/topology.ts";
import type { Admin, TopicDescription, TopicToCreate } from "../../../src/ports/admin.ts";
import type { Log } from "../../../src/ports/log.ts";
import { grownUnderState, prepareTopics } from "../../../src/runtime/setup.ts";
import { hookProgram } from "../../../src/topology/hooks.ts";
import { statefulProgram } from "../../support/world/kernel-world.ts";

const LIMITS = {
  replicationFactor: 3,
  missingTopicPartitions: null,
  deadLetterTopic: null,
  recordBytesMax: 1_048_576,
};

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A cluster in memory: what there is, and what was made; its checks let everything pass. */
class Cluster {
  readonly topics = new Map<string, TopicDescription>();
  readonly made: TopicToCreate[] = [];
  brokers = 3;
  refusal: OutriggerError | null = null;

  constructor(...topics: readonly (readonly [name: string, partitions: number])[]) {
    for (const [name, partitions] of topics) this.add(name, partitions);
  }

  add(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): this {
    const id = `id of ${name}`;
    this.topics.set(name, { name, id, partitions, configs: new Map(Object.entries(configs)) });
    return this;
  }

  readonly admin: Admin = {
    topicNames: async () => [...this.topics.keys()],
    describeTopics: async (names) => new Map([...this.topics].filter(([n]) => names.includes(n))),
    createTopics: async (topics) => {
      this.made.push(...topics);
      for (const { name, partitions, configs } of topics) this.add(name, partitions, configs);
    },
    refusals: async () => new Map(),
    deleteRecords: async () => {},
  };

  async prepare(
    limits: Partial<Parameters<typeof prepareTopics>[3]> = {},
    programs: Programs = [statefulProgram],
  ) {
    const check = async (): Promise<ClusterFacts> => {
      if (this.refusal !== null) throw this.refusal;
      return this.#facts();
    };
    const given = { ...LIMITS, ...limits };
    return await prepareTopics(programs, this.admin, { check }, given, silent);
  }

  #facts(): ClusterFacts {
    const partition = { partition: 0, replicas: 3, inSync: 3, hasLeader: true };
    const broker = { id: 0, address: "a:1", lacks: [], configs: null, unreachable: null };
    const topics = [...this.topics].map(([name, { id, partitions, configs }]) => {
      const listed = new Array(partitions).fill(partition);
      return [name, { name, id, configs, partitions: listed, operations: null }] as const;
    });
    return {
      brokers: new Array(this.brokers).fill(broker),
      features: new Map(),
      topics: new Map<string, TopicFacts>(topics),
      group: { protocol: null, members: [], operations: null },
      committed: [],
      logs: new Map(),
      foreignWriters: [],
      unreadableCodecs: [],
      denied: [],
      unread: [],
    };
  }
}

test("the changelog is made with the partitions of the source, compacted, with two in sync", async () => {
  const cluster = new Cluster(["in", 4], ["out", 2]);
  const prepared = await cluster.prepare();
  const [changelog] = cluster.made;
  assert.deepEqual(
    [changelog?.name, changelog?.partitions, changelog?.replicationFactor],
    ["app-state-changelog", 4, 3],
  );
  assert.equal(changelog?.configs["cleanup.policy"], "compact");
  assert.equal(changelog?.configs["min.insync.replicas"], "2");
  assert.deepEqual(prepared.outputs, ["out", "app-state-changelog"]);
  const facts = prepared.changelogs.get("app-state-changelog");
  assert.equal(facts?.topicId, "id of app-state-changelog");
});

test("a changelog gets no more replicas than there are brokers", async () => {
  const cluster = new Cluster(["in", 4], ["out", 4]);
  cluster.brokers = 1;
  await cluster.prepare();
  assert.equal(cluster.made[0]?.replicationFactor, 1);
});

test("what brokers take is learnt from the topics that are written", async () => {
  const cluster = new Cluster(["in", 4]).add("out", 4, { "max.message.bytes": "2000" });
  const { messageBytesMax } = await cluster.prepare();
  assert.equal(messageBytesMax.get("out"), 2_000);
});

test("dead letters are an output; for development their topic is made like any other", async () => {
  const cluster = new Cluster(["in", 4], ["out", 4]);
  const limits = { deadLetterTopic: "dead", missingTopicPartitions: 2 };
  const { outputs } = await cluster.prepare(limits);
  assert.deepEqual(outputs, ["out", "dead", "app-state-changelog"]);
  assert.deepEqual([cluster.made[0]?.name, cluster.made[0]?.partitions], ["dead", 2]);
});

test("what the checks refuse is refused before anything is made", async () => {
  const cluster = new Cluster(["in", 4], ["out", 4]);
  cluster.refusal = new OutriggerError("TOPIC_MISCONFIGURED", "no");
  await assert.rejects(cluster.prepare(), { code: "TOPIC_MISCONFIGURED" });
  assert.deepEqual(cluster.made, []);
});

const asking: Program = {
  ...statefulProgram,
  steps: [
    {
      ...{ kind: "stage", feeds: [{ from: "source", source: 0 }] },
      stage: {
        ...{ index: 0, entries: ["handler"], stores: [{ store: 0, windows: null }] },
        exits: [
          { kind: "topic", node: "sink", topic: "out", isHook: false },
          { kind: "topic", node: "mail", topic: "mails", isHook: true },
        ],
      },
    },
  ],
};

/** What `in` is copied to, by key, and counted behind. */
const between = { topic: "app-n-repartition", node: "n", partitions: 0, writtenBy: 0 };
const counting: Program = {
  ...statefulProgram,
  ...{ subtopology: 1, sources: [between.topic], repartitions: [between] },
};
const copying: Program = {
  ...statefulProgram,
  stores: [],
  steps: [
    {
      ...{ kind: "sink", feeds: [{ from: "source", source: 0 }] },
      exit: { kind: "topic", node: "n", topic: between.topic, isHook: false, dropsNullKeys: true },
    },
  ],
};

test("a repartition has the partitions of the sources above, and so has state behind it", async () => {
  const cluster = new Cluster(["in", 4], ["out", 2]);
  const { outputs, counts, changelogs } = await cluster.prepare({}, [copying, counting]);
  const made = cluster.made.map(({ name, partitions, configs }) => {
    return `${name} ${partitions} ${configs["cleanup.policy"]} ${configs["retention.ms"]}`;
  });
  assert.deepEqual(made, [
    "app-state-changelog 4 compact undefined",
    "app-n-repartition 4 delete -1",
  ]);
  assert.deepEqual(outputs, ["out", "app-state-changelog", "app-n-repartition"]);
  assert.deepEqual([...changelogs.keys()], ["app-state-changelog"]);
  assert.deepEqual(
    [...counts],
    [
      [0, 4],
      [1, 4],
    ],
  );
});

test("a repartition that is there keeps its partitions when the sources above have grown", async () => {
  const cluster = new Cluster(
    ["in", 6],
    ["out", 2],
    [between.topic, 4],
    ["app-state-changelog", 4],
  );
  const programs = [copying, counting] as const;
  const prepared = await cluster.prepare({}, programs);
  assert.deepEqual(cluster.made, []);
  assert.deepEqual(
    [...prepared.counts],
    [
      [0, 6],
      [1, 4],
    ],
  );
  const grown = (topic: string, partition: number) =>
    grownUnderState([{ topic, partition }], programs, prepared)?.message ?? null;
  assert.equal(grown("in", 9), null);
  assert.match(grown(between.topic, 4) ?? "", /app-n-repartition has grown while it was read/);
});

test("requests of hooks have the partitions of the source, and keep those that their topic has", async () => {
  const programs = [asking, hookProgram("mail", "mails", 1)] as const;
  const cluster = new Cluster(["in", 4], ["out", 2]);
  const fresh = await cluster.prepare({ missingTopicPartitions: 2 }, programs);
  const made = cluster.made.map(({ name, partitions, configs }) => {
    return `${name} ${partitions} ${configs["cleanup.policy"]}`;
  });
  assert.deepEqual(made, ["app-state-changelog 4 compact", "mails 4 delete"]);
  assert.deepEqual(fresh.outputs, ["out", "app-state-changelog", "mails"]);
  assert.deepEqual(
    [fresh.hookPartitions.get("mails"), [...fresh.changelogs.keys()]],
    [4, ["app-state-changelog"]],
  );
  const grown = await new Cluster(["in", 4], ["out", 2], ["mails", 6]).prepare({}, programs);
  assert.equal(grown.hookPartitions.get("mails"), 6);
  const at = (topic: string, partition: number) =>
    grownUnderState([{ topic, partition }], programs, grown);
  assert.equal(at("mails", 5), null);
  assert.match(at("in", 5)?.message ?? "", /in has grown while it was read/);
});
