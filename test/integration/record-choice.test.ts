import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import kafkajs from "kafkajs";
import { realBroker, runSidecar } from "../differential/real.ts";
import type { NodeSpec } from "../differential/topology.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { readWithJava } from "../support/judges.ts";
import { type Input, kafkaAt, makeTopics, produce } from "../support/topics.ts";

/** Of 2001: no wall clock has a part in this. */
const BASE_MS = 1_000_000_000_000;
const RECORDS = 4_000;
const STEP_MS = 10;

const windows = { kind: "tumbling", sizeMs: 20 * STEP_MS, graceMs: 0 } as const;

/** Two topics merged, and counted in windows without grace: what comes out of order is late. */
function nodesOf(left: string, right: string, out: string): NodeSpec[] {
  return [
    { id: "l", op: "source", topics: [left] },
    { id: "r", op: "source", topics: [right] },
    { id: "m", op: "merge", from: ["l", "r"] },
    { id: "g", op: "groupByKey", from: "m" },
    { id: "w", op: "windowedBy", from: "g", windows },
    { id: "c", op: "count", from: "w", store: "counts" },
    { id: "t", op: "map", from: "c", fn: "windowToText" },
    { id: "o", op: "to", from: "t", topic: out },
  ];
}

/** Every second of the times, from the first on; a fetch brings few that are large. */
function half(first: number, bytes: number): Input[] {
  return Array.from({ length: RECORDS }, (_, index) => ({
    key: "k",
    value: "x".repeat(bytes),
    timestamp: BASE_MS + (2 * index + first) * STEP_MS,
  }));
}

async function produceInTransaction(kafka: kafkajs.Kafka, topic: string, records: Input[]) {
  const producer = kafka.producer({
    ...{ idempotent: true, maxInFlightRequests: 1, transactionalId: `writes-${topic}` },
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = records.map(({ key, value, timestamp }) => {
    return { key, value, timestamp: String(timestamp) };
  });
  await transaction.send({ topic, messages, acks: -1 });
  await transaction.commit();
  await producer.disconnect();
}

for (const kind of availableBrokers()) {
  if (kind.name !== "kafka") continue;
  describe(`two inputs of a task on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("go by their timestamps, whatever a fetch brings, and past the markers at an end", async () => {
      const { bootstrapServers } = broker;
      const kafka = kafkaAt(bootstrapServers);
      const [left, right, out] = ["choice-left", "choice-right", "choice-out"];
      await makeTopics(kafka, [left, right, out], { "retention.ms": "-1" }, 1);
      await produce(kafka, left, half(0, 10));
      // The last batch is followed by a marker: its position is the end that no record reaches.
      await produce(kafka, right, half(1, 1_000).slice(0, -10));
      await produceInTransaction(kafka, right, half(1, 1_000).slice(-10));
      const real = await realBroker(bootstrapServers);
      try {
        const flags = { "max.partition.fetch.bytes": 20_000, "batch.max.records": 50 };
        const nodes = nodesOf(left, right, out);
        await runSidecar(real, "record-choice", nodes, [left, right], flags);
        const records = await readWithJava(bootstrapServers, [out]);
        assert.equal(records.length, 2 * RECORDS);
      } finally {
        await real.admin.disconnect();
      }
    });
  });
}
