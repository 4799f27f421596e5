import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { createProducer } from "../../src/kafka/produce/transactional-producer.ts";
import { ERROR } from "../../src/kafka/protocol/error-codes.ts";
import type { CutRecords, TransactionalProducer } from "../../src/ports/producer.ts";
import { appendedRecord } from "../support/appended-record.ts";
import { availableBrokers, type Broker, type BrokerKind } from "../support/brokers.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import type { Fault } from "../support/fault-rules.ts";
import { type JudgedRecord, readWithJava, readWithLibrdkafka } from "../support/judges.ts";
import { eventually } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, watch } from "../support/topics.ts";

const PRODUCE = 0;
const END_TXN = 26;
const PARTITIONS = 3;
/** Some 25 batches of 128 KiB in each partition: several requests and batches in flight. */
const RECORDS = 320;
const VALUE_BYTES = 10_000;

const NOBODY = { memberId: "", memberEpoch: -1 };

function append(cut: CutRecords, topic: string, partition: number, value: Buffer): void {
  cut.append({ ...appendedRecord(topic, partition, value), timestamp: 1_000 });
}

function fill(cut: CutRecords, topic: string, name: string): void {
  for (let i = 0; i < RECORDS; i++) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      append(cut, topic, partition, Buffer.from(`${name}${i} `.padEnd(VALUE_BYTES, ".")));
    }
  }
}

for (const kind of availableBrokers()) describe(`producing to ${kind.name}`, () => suite(kind));

function suite(kind: BrokerKind): void {
  let broker: Broker;
  let proxy: FaultProxy;
  let cluster: Cluster;
  let made = 0;
  const signal = AbortSignal.timeout(300_000);

  before(async () => {
    broker = await kind.start();
    proxy = await FaultProxy.start(broker.bootstrapServers);
    const [host = "", port = ""] = broker.bootstrapServers.split(":");
    cluster = await Cluster.connect(
      {
        bootstrapServers: [{ host, port: Number(port) }],
        clientId: "test",
        openSocket: proxy.openSocket,
      },
      signal,
    );
  });

  after(async () => {
    await cluster.close();
    await proxy.stop();
    await broker.stop();
  });

  async function open(topic: string, id = topic): Promise<TransactionalProducer> {
    const producer = createProducer(cluster, {
      transactionalId: id,
      groupId: id,
      transactionTimeoutMs: 60_000,
    });
    assert.deepEqual(await producer.initialize(signal), { kind: "ready" });
    await producer.prepare([topic], signal);
    return producer;
  }

  async function topicOf(name: string): Promise<string> {
    const topic = `${name}-${made++}`;
    await makeTopics(kafkaAt(broker.bootstrapServers), [topic]);
    return topic;
  }

  /** The names of a partition's records in order, by clients that are not ours. */
  async function read(topic: string, count: number): Promise<string[][]> {
    const name = (value: Buffer | null): string => String(value).split(" ")[0] ?? "";
    const namesOf = (records: readonly JudgedRecord[]): string[][] => {
      const partitions = Array.from({ length: PARTITIONS }, () => [] as string[]);
      for (const { partition, value } of records) partitions[partition]?.push(name(value));
      return partitions;
    };
    if (kind.name === "kafka") {
      const java = namesOf(await readWithJava(broker.bootstrapServers, [topic]));
      const librdkafka = await readWithLibrdkafka(broker.bootstrapServers, [topic]);
      if (librdkafka !== null) assert.deepEqual(java, namesOf(librdkafka));
      return java;
    }
    const seen = await watch(kafkaAt(broker.bootstrapServers), topic);
    await eventually(`${count} records`, () => seen.records.length >= count);
    await seen.stop();
    return namesOf(seen.records);
  }

  function expected(name: string): string[][] {
    const list = Array.from({ length: RECORDS }, (_, i) => `${name}${i}`);
    return Array.from({ length: PARTITIONS }, () => list);
  }

  const faults: readonly (readonly [string, Fault])[] = [
    ["is refused by one that is not the leader", refused(ERROR.NOT_LEADER_OR_FOLLOWER)],
    ["finds the last transaction still ending", refused(ERROR.CONCURRENT_TRANSACTIONS)],
    ["finds too few replicas", refused(ERROR.NOT_ENOUGH_REPLICAS)],
    ["is lost on its way", { kind: "lostRequest" }],
    ["is appended, and its answer is lost", { kind: "lostAnswer" }],
  ];
  for (const [what, fault] of faults) {
    for (const nth of [1, 4]) {
      test(`request ${nth} of many ${what}: all records once, in order`, async () => {
        const topic = await topicOf("ordered");
        const producer = await open(topic);
        const cut = producer.begin();
        fill(cut, topic, "r");
        const before = proxy.faults;
        proxy.inject({ apiKey: PRODUCE, nth, fault }, { apiKey: PRODUCE, nth: nth + 9, fault });
        const verdict = await producer.produce(cut);
        assert.equal(verdict.kind, "acked", "error" in verdict ? verdict.error.message : "");
        assert.equal(proxy.faults, before + 2, "both faults took place");
        proxy.inject();
        assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
        assert.deepEqual(await read(topic, PARTITIONS * RECORDS), expected("r"));
        await producer.close();
      });
    }
  }

  test("R-7: an EndTxn without an answer is unknown; repeated, it has committed once", async () => {
    const topic = await topicOf("unknown");
    const producer = await open(topic);
    for (const name of ["a", "b"]) {
      const cut = producer.begin();
      fill(cut, topic, name);
      assert.equal((await producer.produce(cut)).kind, "acked");
      proxy.inject({ apiKey: END_TXN, nth: 1, fault: { kind: "lostAnswer" } });
      assert.equal((await producer.end("commit", "first")).kind, "unknown");
      proxy.inject();
      assert.deepEqual(await producer.end("commit", "repeated"), { kind: "ended" });
    }
    const both = expected("a").map((list, i) => [...list, ...(expected("b")[i] ?? [])]);
    assert.deepEqual(await read(topic, 2 * PARTITIONS * RECORDS), both);
    await producer.close();
  });

  test("R-8: what was aborted is never read, and the same records can be produced again", async () => {
    const topic = await topicOf("aborted");
    const producer = await open(topic);
    const cut = producer.begin();
    fill(cut, topic, "r");
    assert.equal((await producer.produce(cut)).kind, "acked");
    assert.deepEqual(await producer.end("abort", "first"), { kind: "ended" });
    assert.equal((await producer.produce(cut)).kind, "acked");
    assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    assert.deepEqual(await read(topic, PARTITIONS * RECORDS), expected("r"));
    await producer.close();
  });

  test("a second producer of the same transactional id fences the first", async () => {
    const topic = await topicOf("fenced");
    const first = await open(topic);
    const cut = first.begin();
    append(cut, topic, 0, Buffer.from("first "));
    const second = await open(topic);
    assert.equal((await first.produce(cut)).kind, "fenced");
    const other = second.begin();
    append(other, topic, 0, Buffer.from("second "));
    assert.equal((await second.produce(other)).kind, "acked");
    assert.deepEqual(await second.end("commit", "first"), { kind: "ended" });
    assert.deepEqual(await read(topic, 1), [["second"], [], []]);
    await first.close();
    await second.close();
  });

  test("R-6: offsets of a member that the group does not know are refused", async () => {
    const topic = await topicOf("offsets");
    const producer = await open(topic);
    const offset = { topic, partition: 0, offset: 1, leaderEpoch: -1, metadata: "" };
    const stranger = { memberId: "stranger", memberEpoch: 3 };
    const verdict = await producer.sendOffsets([offset], stranger);
    assert.ok(["memberLost", "staleEpoch"].includes(verdict.kind), verdict.kind);
    assert.equal((await producer.end("abort", "first")).kind, "ended");
    // Nobody's membership is asked for where there is none: a group without members takes it.
    assert.deepEqual(await producer.sendOffsets([offset], NOBODY), { kind: "accepted" });
    assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    await producer.close();
  });
}

function refused(code: number): Fault {
  return { kind: "produceError", code };
}
