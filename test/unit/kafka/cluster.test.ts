import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { MetadataCache } from "../../../src/kafka/network/metadata-cache.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import type { TopicAnswer } from "../../../src/kafka/protocol/metadata.ts";
import { apiVersionsAnswer, metadataAnswer, ScriptedBroker } from "./scripted-broker.ts";

const ID = "0123456789abcdef1122334455667788";
const NEW_ID = "ffffffffffffffff1122334455667788";
const LIMITS = { retryBackoffMs: 1, retryBackoffMaxMs: 5 };

function topicLedBy(leader: number, leaderEpoch: number, id = ID): TopicAnswer {
  return {
    error: 0,
    name: "flights",
    id,
    partitions: [{ error: 0, partition: 0, leader, leaderEpoch, replicas: 1, inSync: 1 }],
    operations: 0,
  };
}

function cacheOf(...topics: readonly TopicAnswer[]): MetadataCache {
  const cache = new MetadataCache();
  for (const topic of topics) cache.update({ brokers: [], topics: [topic] });
  return cache;
}

/** A broker that tells metadata of one topic, and counts how often it was asked. */
async function metadataBroker() {
  const asked = { metadata: 0 };
  const broker: ScriptedBroker = await ScriptedBroker.start(({ apiKey }) => {
    if (apiKey === 18) return apiVersionsAnswer({ 3: [0, 13] });
    asked.metadata++;
    return metadataAnswer(broker.address, [{ name: "flights", id: ID, epochs: [4] }]);
  });
  return { broker, asked };
}

test("metadata of a broker that lags behind does not bring an old leader back (KIP-320)", () => {
  const cache = cacheOf(topicLedBy(1, 5), topicLedBy(2, 6), topicLedBy(1, 5));
  assert.deepEqual(cache.leader("flights", 0), { brokerId: 2, epoch: 6 });
});

test("a topic that was created anew starts with its own epochs", () => {
  const cache = cacheOf(topicLedBy(1, 5), topicLedBy(2, 0, NEW_ID));
  assert.deepEqual(cache.leader("flights", 0), { brokerId: 2, epoch: 0 });
  assert.equal(cache.topicId("flights"), NEW_ID);
});

test("an invalidated leader stays unknown until metadata as new as it was comes", () => {
  const cache = cacheOf(topicLedBy(1, 5));
  cache.invalidateLeader("flights", 0);
  assert.equal(cache.leader("flights", 0), null);
  cache.update({ brokers: [], topics: [topicLedBy(3, 4)] });
  assert.equal(cache.leader("flights", 0), null);
  cache.update({ brokers: [], topics: [topicLedBy(2, 6)] });
  assert.deepEqual(cache.leader("flights", 0), { brokerId: 2, epoch: 6 });
});

test("a topic without a leader, and one that is gone, are told apart", () => {
  const cache = cacheOf(topicLedBy(-1, 5));
  assert.deepEqual(cache.topic("flights")?.leaders, [null]);
  const error = ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  const gone = { error, name: "flights", id: ID, partitions: [], operations: 0 };
  cache.update({ brokers: [], topics: [gone] });
  assert.equal(cache.topic("flights"), null);
  assert.equal(cache.topicError("flights"), error);
});

test("a bootstrap server that is down is passed over", async () => {
  const { broker: dead } = await metadataBroker();
  const deadAddress = dead.address;
  await dead.stop();
  const { broker } = await metadataBroker();
  const signal = AbortSignal.timeout(5000);
  const bootstrapServers = [deadAddress, broker.address];
  const cluster = await Cluster.connect(
    { bootstrapServers, clientId: "t", limits: LIMITS },
    signal,
  );
  assert.deepEqual(await cluster.leader("flights", 0, signal), { brokerId: 1, epoch: 4 });
  await cluster.close();
  await broker.stop();
});

test("with no server up, connecting tries until its signal and then names the server", async () => {
  const { broker } = await metadataBroker();
  const { address } = broker;
  await broker.stop();
  const options = { bootstrapServers: [address], clientId: "t", limits: LIMITS };
  await assert.rejects(
    Cluster.connect(options, AbortSignal.timeout(500)),
    (thrown: unknown) =>
      thrown instanceof OutriggerError &&
      thrown.code === "BROKER_UNAVAILABLE" &&
      thrown.message.includes(`${address.port}`),
  );
});

test("many questions at once share their metadata requests", async () => {
  const { broker, asked } = await metadataBroker();
  const signal = AbortSignal.timeout(5000);
  const bootstrapServers = [broker.address];
  const cluster = await Cluster.connect(
    { bootstrapServers, clientId: "t", limits: LIMITS },
    signal,
  );
  asked.metadata = 0;
  await Promise.all(Array.from({ length: 50 }, () => cluster.refresh(["flights"])));
  assert.equal(asked.metadata, 2, "one under way, and one for all who came after it began");
  await cluster.close();
  await broker.stop();
});

test("a broker that lacks a needed version is refused by name", async () => {
  const broker = await ScriptedBroker.start(() => apiVersionsAnswer({ 3: [0, 9] }));
  const options = { bootstrapServers: [broker.address], clientId: "t", limits: LIMITS };
  await assert.rejects(
    Cluster.connect(options, AbortSignal.timeout(5000)),
    /Metadata is needed in version 12 to 12, the broker offers 0 to 9/,
  );
  await broker.stop();
});

test("a closed client rejects what was waited for", async () => {
  const { broker } = await metadataBroker();
  const signal = AbortSignal.timeout(5000);
  const bootstrapServers = [broker.address];
  const cluster = await Cluster.connect(
    { bootstrapServers, clientId: "t", limits: LIMITS },
    signal,
  );
  const waiting = cluster.leader("flights", 99);
  await cluster.close();
  await assert.rejects(waiting, OutriggerError);
  await broker.stop();
});
