import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { KafkaLimits } from "../../src/kafka/limits.ts";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { createProducer } from "../../src/kafka/produce/transactional-producer.ts";
import { appendedRecord } from "../support/appended-record.ts";
import { readWithJava, readWithLibrdkafka } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { kafkaAt, makeTopics } from "../support/topics.ts";

const PARTITIONS = 4;
const COMMITS = 300;
/** So long a broker lets a batch wait that comes before the markers of the last one: else 20 ms. */
const HELD_MS = 1_000;
/** Without asking, nearly all are; on a slow machine markers may take longer than they are waited for. */
const HELD_MAX = COMMITS / 20;

interface Course {
  readonly commits: number;
  /** Fails above. */
  readonly heldMax: number;
  readonly intervalMs: number;
  readonly limits: Partial<KafkaLimits>;
}

const missing = whyNoKafka();
if (missing === null) describe("ADR 0032: commits one after the other", suite);
else process.stdout.write(`NOT PROVED: short commit intervals on a real broker, ${missing}\n`);

function suite(): void {
  let kafka: KafkaBroker;

  before(async () => {
    kafka = await startKafka({
      config: {
        "add.partitions.to.txn.retry.backoff.ms": `${HELD_MS}`,
        "add.partitions.to.txn.retry.backoff.max.ms": `${HELD_MS}`,
      },
    });
  });

  after(() => kafka.stop());

  /** Commits so often, at most once in `intervalMs`; how many batches the broker let wait. */
  async function commit(
    topic: string,
    { commits, heldMax, intervalMs, limits }: Course,
  ): Promise<number> {
    await makeTopics(kafkaAt(kafka.bootstrapServers), [topic], {}, PARTITIONS);
    const [host = "", port = ""] = kafka.bootstrapServers.split(":");
    const signal = AbortSignal.timeout(240_000);
    const cluster = await Cluster.connect(
      { bootstrapServers: [{ host, port: Number(port) }], clientId: "test", limits },
      signal,
    );
    const names = { transactionalId: topic, groupId: topic };
    const producer = createProducer(cluster, { ...names, transactionTimeoutMs: 60_000 });
    try {
      await producer.prepare([topic], signal);
      assert.deepEqual(await producer.initialize(signal), { kind: "ready" });
      let held = 0;
      for (let count = 0; count < commits; count++) {
        const fromMs = performance.now();
        const cut = producer.begin();
        for (let partition = 0; partition < PARTITIONS; partition++) {
          cut.append(appendedRecord(topic, partition, Buffer.from(`${count}-${partition}`)));
        }
        assert.equal((await producer.produce(cut)).kind, "acked");
        const tookMs = performance.now() - fromMs;
        if (tookMs >= HELD_MS) held += 1;
        assert.ok(held <= heldMax, `${held} of ${count + 1} batches waited`);
        assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
        await pause(Math.max(0, intervalMs - (performance.now() - fromMs)));
      }
      return held;
    } finally {
      await producer.close();
      await cluster.close();
    }
  }

  test("wait for the broker's back-off where nobody asks whether the last one is complete", async () => {
    const limits = { completionAskedMs: 0 };
    const held = await commit("unasked", { commits: 5, heldMax: 5, intervalMs: 0, limits });
    assert.ok(held > 0, "then the tests below would say nothing");
  });

  for (const intervalMs of [0, 10]) {
    test(`do not wait for it, each ${intervalMs} ms, and each record is there once`, async (t) => {
      const topic = `each-${intervalMs}`;
      const course = { commits: COMMITS, heldMax: HELD_MAX, intervalMs, limits: {} };
      const held = await commit(topic, course);
      t.diagnostic(`${held} of ${COMMITS} batches waited for the broker's back-off`);
      const expected = Array.from({ length: COMMITS }, (_, count) =>
        Array.from({ length: PARTITIONS }, (__, partition) => `${count}-${partition}`),
      ).flat();
      for (const read of [readWithJava, readWithLibrdkafka]) {
        const records = await read(kafka.bootstrapServers, [topic]);
        if (records === null) continue;
        const values = records.map(({ value }) => String(value));
        assert.deepEqual(values.sort(), [...expected].sort());
      }
    });
  }
}
