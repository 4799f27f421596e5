import assert from "node:assert/strict";
import { test } from "node:test";
import type { Program } from "../../../src/model/topology.ts";
import type { Admin, TopicDescription, TopicToCreate } from "../../../src/ports/admin.ts";
import type { Log } from "../../../src/ports/log.ts";
import { prepareTopics } from "../../../src/runtime/setup.ts";
import { statefulProgram } from "../../support/world/kernel-world.ts";

const LIMITS = {
  replicationFactor: 3,
  transactionTimeoutMs: 10_000,
  missingTopicPartitions: null,
  deadLetterTopic: null,
};

/** A cluster in memory: what there is, what was made, what was warned of. */
class Cluster {
  readonly topics = new Map<string, TopicDescription>();
  readonly made: TopicToCreate[] = [];
  readonly warnings: string[] = [];
  brokers = 3;
  transactionVersion = 2;

  constructor(...topics: readonly (readonly [name: string, partitions: number])[]) {
    for (const [name, partitions] of topics) this.add(name, partitions);
  }

  add(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): this {
    const id = `id of ${name}`;
    this.topics.set(name, { name, id, partitions, configs: new Map(Object.entries(configs)) });
    return this;
  }

  readonly admin: Admin = {
    describeTopics: async (names) => new Map([...this.topics].filter(([n]) => names.includes(n))),
    createTopics: async (topics) => {
      this.made.push(...topics);
      for (const { name, partitions, configs } of topics) this.add(name, partitions, configs);
    },
    describeCluster: async () => ({
      brokers: this.brokers,
      features: new Map([["transaction.version", this.transactionVersion]]),
      transactionMaxTimeoutMs: 900_000,
    }),
    close: async () => {},
  };

  async prepare(program: Program, over: Partial<typeof LIMITS> = {}) {
    const warn = (text: string): number => this.warnings.push(text);
    const log: Log = { debug: () => {}, info: () => {}, warn, error: () => {} };
    return await prepareTopics(program, this.admin, { ...LIMITS, ...over }, log);
  }
}

test("the changelog is made with the partitions of the source, compacted, with two in sync", async () => {
  const cluster = new Cluster(["in", 4], ["out", 2]);
  const prepared = await cluster.prepare(statefulProgram);
  const [changelog] = cluster.made;
  assert.deepEqual(
    [changelog?.name, changelog?.partitions, changelog?.replicationFactor],
    ["app-state-changelog", 4, 3],
  );
  assert.equal(changelog?.configs["cleanup.policy"], "compact");
  assert.equal(changelog?.configs["min.insync.replicas"], "2");
  assert.deepEqual(prepared.outputs, ["out", "app-state-changelog"]);
  assert.equal(
    prepared.changelogs.get("app-state-changelog")?.topicId,
    "id of app-state-changelog",
  );
  assert.deepEqual(cluster.warnings, []);
});

test("fewer brokers than replicas is said, never silent", async () => {
  const cluster = new Cluster(["in", 4], ["out", 4]);
  cluster.brokers = 1;
  await cluster.prepare(statefulProgram);
  assert.equal(cluster.made[0]?.replicationFactor, 1);
  assert.match(cluster.warnings[0] ?? "", /replication.factor is 3, but the cluster has 1/);
});

test("what brokers take is learnt from the topics that are written", async () => {
  const cluster = new Cluster(["in", 4]).add("out", 4, { "max.message.bytes": "2000" });
  const { messageBytesMax } = await cluster.prepare(statefulProgram);
  assert.equal(messageBytesMax.get("out"), 2_000);
});

const refusals: readonly (readonly [string, Cluster, Partial<typeof LIMITS>, string, RegExp])[] = [
  ["a missing source", new Cluster(["out", 4]), {}, "TOPIC_MISSING", /topic in .*create it/],
  ["a missing sink", new Cluster(["in", 4]), {}, "TOPIC_MISSING", /topic out .*create it/],
  [
    "a changelog of other partitions",
    new Cluster(["in", 4], ["out", 4], ["app-state-changelog", 3]),
    {},
    "TOPIC_MISCONFIGURED",
    /has 3 partitions, the source 4/,
  ],
  [
    "a changelog that is deleted from",
    new Cluster(["in", 4], ["out", 4]).add("app-state-changelog", 4, {
      "cleanup.policy": "delete",
    }),
    {},
    "TOPIC_MISCONFIGURED",
    /cleanup.policy=delete.*set compact/,
  ],
  [
    "a transaction timeout above the brokers'",
    new Cluster(["in", 4], ["out", 4]),
    { transactionTimeoutMs: 900_001 },
    "CONFIG_INVALID",
    /transaction.max.timeout.ms of 900000: lower it/,
  ],
];
for (const [what, cluster, over, code, said] of refusals) {
  test(`${what} is refused before anything is made`, async () => {
    await assert.rejects(cluster.prepare(statefulProgram, over), { code, message: said });
  });
}

test("sources of unequal partition counts, and brokers without transactions v2, are refused", async () => {
  const two = { ...statefulProgram, sources: ["in", "other"] };
  const cluster = new Cluster(["in", 4], ["other", 2], ["out", 4]);
  await assert.rejects(cluster.prepare(two), {
    code: "TOPIC_MISCONFIGURED",
    message: /in has 4, other has 2/,
  });
  cluster.transactionVersion = 1;
  await assert.rejects(cluster.prepare(statefulProgram), {
    code: "BROKER_INCOMPATIBLE",
    message: /transaction.version 1; exactly-once needs 2/,
  });
  assert.deepEqual(cluster.made, []);
});
