import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import kafkajs from "kafkajs";
import { createConsumer } from "../../src/kafka/fetch/consumer.ts";
import { createOffsets } from "../../src/kafka/fetch/offsets.ts";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { availableBrokers, type Broker, type BrokerKind } from "../support/brokers.ts";
import { readWithJava, readWithLibrdkafka } from "../support/judges.ts";
import { type ReadRecord, recordsOf, writeTransactionalInput } from "./transactional-input.ts";

const NOBODY = { memberId: "", memberEpoch: -1 };

for (const kind of availableBrokers()) {
  describe(`reading from ${kind.name}`, () => testReading(kind));
}

function testReading(kind: BrokerKind): void {
  const signal = AbortSignal.timeout(60_000);
  const topic = `input-${process.pid}-${Date.now()}`;
  const at = { topic, partition: 0 };
  let broker: Broker;
  let cluster: Cluster;
  let expected: string[];

  before(async () => {
    broker = await kind.start();
    const brokers = [broker.bootstrapServers];
    const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const configEntries = [{ name: "retention.ms", value: "-1" }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 4, configEntries }] });
    await admin.disconnect();
    expected = await writeTransactionalInput(kafka, topic);
    const [host = "", port = ""] = broker.bootstrapServers.split(":");
    const bootstrapServers = [{ host, port: Number(port) }];
    cluster = await Cluster.connect({ bootstrapServers, clientId: "test" }, signal);
  });

  after(async () => {
    await cluster?.close();
    await broker?.stop();
  });

  const texts = (records: readonly ReadRecord[]) =>
    records.map(({ value }) => Buffer.from(value ?? "", "hex").toString());

  test("the cluster tells its topics, leaders and finalized features", async () => {
    const topics = await cluster.topics([topic, "no-such-topic"], signal);
    assert.deepEqual([...topics.keys()], [topic]);
    assert.equal(topics.get(topic)?.leaders.length, 4);
    assert.match(topics.get(topic)?.id ?? "", /^[0-9a-f]{32}$/);
    assert.equal((await cluster.leader(topic, 3, signal)).epoch >= 0, true);
    assert.equal(cluster.features.get("transaction.version"), 2);
  });

  test("transactional input is read without what was aborted, to the end of the log", async () => {
    const { end } = await createOffsets(cluster, "group").range(at, signal);
    const records: ReadRecord[] = [];
    let position = 0;
    await new Promise<void>((resolve, reject) => {
      const consumer = createConsumer(
        cluster,
        {},
        {
          fetched: (chunk) => {
            records.push(...recordsOf(chunk));
            position = chunk.nextOffset;
            if (position >= end) consumer.close().then(resolve, reject);
          },
          empty: () => {},
          failed: (_at, _fence, error) => reject(error),
        },
      );
      signal.addEventListener("abort", () => reject(signal.reason));
      consumer.start(at, { offset: 0, leaderEpoch: -1, fence: 1 });
    });
    assert.deepEqual(texts(records), expected);
    assert.equal(position, end, "the position steps over the last marker, to the end of the log");
    const [early, late, latest, nulls] = records.slice(5);
    assert.ok(early && late && latest && nulls);
    assert.equal(late.timestamp - early.timestamp, 2 ** 31 + 1);
    assert.equal(latest.timestamp - early.timestamp, 2 ** 34);
    assert.deepEqual(latest.headers, [
      ["trace", "31"],
      ["trace", "32"],
      ["other", "78"],
    ]);
    assert.deepEqual([nulls.key, nulls.value], ["", null]);
  });

  test("the restore reader reads the same range, and ends at its target", async () => {
    const offsets = createOffsets(cluster, "group");
    const { start, end } = await offsets.range(at, signal);
    const records: ReadRecord[] = [];
    for await (const chunk of offsets.read(at, start, end, signal)) {
      records.push(...recordsOf(chunk));
    }
    assert.equal(start, 0);
    assert.deepEqual(texts(records), expected);
  });

  if (kind.name === "kafka") {
    test("clients that are not ours read the same records, field by field", async () => {
      const offsets = createOffsets(cluster, "group");
      const { start, end } = await offsets.range(at, signal);
      const ours: ReadRecord[] = [];
      for await (const chunk of offsets.read(at, start, end, signal)) {
        ours.push(...recordsOf(chunk));
      }
      for (const read of [readWithJava, readWithLibrdkafka]) {
        const judged = (await read(broker.bootstrapServers, [topic])) ?? [];
        if (read === readWithLibrdkafka && judged.length === 0) continue;
        const theirs = judged
          .filter(({ partition }) => partition === 0)
          .map(({ offset, timestamp, key, value, headers }) => ({
            offset,
            timestamp,
            key: key?.toString("hex") ?? null,
            value: value?.toString("hex") ?? null,
            headers: headers.map(([name, bytes]) => [name, bytes?.toString("hex") ?? null]),
          }));
        assert.deepEqual(ours, theirs);
      }
    });
  }

  test("a read waits at an open transaction, and goes on when it has ended", async () => {
    const brokers = [broker.bootstrapServers];
    const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer({ transactionalId: `${topic}-open`, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 1, value: "open" }] });
    const offsets = createOffsets(cluster, "group");
    // Read uncommitted: the target lies behind the open transaction (KAFKA-10167).
    const { end } = await offsets.range({ topic, partition: 1 }, signal);
    assert.equal(end, 1);
    const found: string[] = [];
    const reading = (async () => {
      for await (const chunk of offsets.read({ topic, partition: 1 }, 0, end, signal)) {
        found.push(...texts(recordsOf(chunk)));
      }
    })();
    // A whole second read is done meanwhile, and the first has still found nothing.
    for await (const chunk of offsets.read(at, 0, 1, signal)) assert.ok(chunk.nextOffset <= 1);
    assert.deepEqual(found, []);
    await transaction.commit();
    await reading;
    assert.deepEqual(found, ["open"]);
    await producer.disconnect();
  });

  test("offsets of an open transaction are waited for; a new group has none", async () => {
    const group = `group-${topic}`;
    const offsets = createOffsets(cluster, group);
    assert.equal((await offsets.committed(NOBODY, [at], signal)).size, 0);
    const brokers = [broker.bootstrapServers];
    const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer({
      transactionalId: `${topic}-offsets`,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const send = async (offset: string) => {
      const transaction = await producer.transaction();
      const partitions = [{ partition: 0, offset }];
      await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] });
      return transaction;
    };
    await (await send("3")).commit();
    assert.equal((await offsets.committed(NOBODY, [at], signal)).get(`${topic}-0`)?.offset, 3);
    const transaction = await send("7");
    let answered = false;
    const committed = offsets.committed(NOBODY, [at], signal).finally(() => {
      answered = true;
    });
    // The answer is held back while the transaction is open (KIP-447).
    await offsets.range(at, signal);
    assert.equal(answered, false);
    await transaction.commit();
    assert.equal((await committed).get(`${topic}-0`)?.offset, 7);
    await producer.disconnect();
  });
}
