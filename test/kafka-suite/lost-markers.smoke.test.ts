import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster } from "../../src/kafka/network/cluster.ts";
import { createProducer } from "../../src/kafka/produce/transactional-producer.ts";
import {
  DESCRIBE_TRANSACTIONS,
  describeTransactionRequest,
} from "../../src/kafka/protocol/transaction-markers.ts";
import type { LogFields } from "../../src/ports/log.ts";
import type { TransactionalProducer } from "../../src/ports/producer.ts";
import { appendedRecord } from "../support/appended-record.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { readWithJava, readWithLibrdkafka } from "../support/judges.ts";
import { KafkaCluster } from "../support/kafka-cluster.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { eventually } from "../support/sidecar-process.ts";

const WRITE_TXN_MARKERS = 27;
const PARTITIONS = 4;
/** The node that dies: alone with the topics of the test, and no coordinator of theirs. */
const DYING = 3;
const missing = whyNoKafka();

interface Writer {
  readonly topic: string;
  readonly producer: TransactionalProducer;
  readonly said: string[];
  write(name: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * ADR 0013. Transactions are ended, and the broker of what they wrote dies before it has their markers:
 * their coordinator, which lives, takes partitions without a leader for deleted, and calls them complete.
 */
describe("markers that Kafka has lost", { skip: missing ?? false }, () => {
  let kafka: KafkaCluster;
  let watch: Cluster;
  const proxies = new Map<number, FaultProxy>();
  const writers = new Map<string, Writer>();
  const signal = AbortSignal.timeout(300_000);

  before(async () => {
    kafka = await KafkaCluster.start(
      { "inter.broker.listener.name": "PLAINTEXT" },
      async (id, address) => {
        const proxy = await FaultProxy.start(address);
        proxies.set(id, proxy);
        return proxy.address;
      },
    );
    await kafka.inSync();
    watch = await connect();
    for (const name of ["alone", "commit", "next", "abort", "after"]) {
      writers.set(name, await open(await topicOf(name)));
    }
    await loseTheMarkers();
  });

  after(async () => {
    for (const writer of writers.values()) await writer.close();
    await watch.close();
    await kafka.stop();
    for (const proxy of proxies.values()) await proxy.stop();
  });

  function writerOf(name: string): Writer {
    const found = writers.get(name);
    assert(found !== undefined);
    return found;
  }

  async function connect(): Promise<Cluster> {
    const bootstrapServers = [...proxies.values()].map(({ address }) => {
      const [host = "", port = ""] = address.split(":");
      return { host, port: Number(port) };
    });
    return await Cluster.connect({ bootstrapServers, clientId: "test" }, signal);
  }

  /** A topic on the dying node alone, whose name is a transactional id that another one coordinates. */
  async function topicOf(name: string): Promise<string> {
    let topic = name;
    while ((await watch.coordinator("transaction", topic)) === DYING) topic += "x";
    const replicaAssignment = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      replicas: [DYING],
    }));
    const configEntries = [{ name: "min.insync.replicas", value: "1" }];
    const admin = await kafka.admin();
    const topics = [{ topic, replicaAssignment, configEntries }];
    await admin.createTopics({ topics, waitForLeaders: false });
    await eventually(`${topic} to be led`, () => leads(topic, (leader) => leader === DYING));
    return topic;
  }

  async function leads(topic: string, isIt: (leader: number) => boolean): Promise<boolean> {
    const { topics } = await watch.describe([topic]);
    const leaders = topics.flatMap(({ partitions }) => partitions.map(({ leader }) => leader));
    return leaders.length === PARTITIONS && leaders.every(isIt);
  }

  async function open(topic: string): Promise<Writer> {
    const cluster = await connect();
    const said: string[] = [];
    const hear = (message: string, fields?: LogFields): void => {
      said.push(`${message} ${JSON.stringify(fields)}`);
    };
    const producer = createProducer(cluster, {
      transactionalId: topic,
      groupId: topic,
      transactionTimeoutMs: 120_000,
      log: { debug: hear, info: hear, warn: hear, error: hear },
    });
    await producer.prepare([topic], signal);
    assert.deepEqual(await producer.initialize(signal), { kind: "ready" });
    return {
      topic,
      producer,
      said,
      write: async (name) => {
        const cut = producer.begin();
        for (let partition = 0; partition < PARTITIONS; partition++) {
          cut.append(appendedRecord(topic, partition, Buffer.from(`${name}${partition}`)));
        }
        assert.equal((await producer.produce(cut)).kind, "acked");
      },
      close: async () => {
        await producer.close();
        await cluster.close();
      },
    };
  }

  async function loseTheMarkers(): Promise<void> {
    const proxy = proxies.get(DYING);
    assert(proxy !== undefined);
    for (const writer of writers.values()) await writer.write("a");
    proxy.inject({ apiKey: WRITE_TXN_MARKERS, fault: { kind: "dropRequest" } });
    for (const [name, { producer }] of writers) {
      const outcome = name === "abort" ? "abort" : "commit";
      assert.deepEqual(await producer.end(outcome, "first"), { kind: "ended" });
    }
    await eventually("the markers to be sent", () => proxy.faults > 0);
    await writerOf("alone").close();
    await writerOf("after").close();
    await kafka.node(DYING).end("SIGKILL");
    proxy.inject();
    await eventually("the partitions to be without a leader", () =>
      leads(writerOf("alone").topic, (leader) => leader < 0),
    );
    for (const { topic } of writers.values()) {
      await eventually(`the transaction of ${topic} to be called complete`, async () => {
        const coordinator = await watch.coordinator("transaction", topic);
        const described = await watch.send(
          coordinator,
          "general",
          DESCRIBE_TRANSACTIONS,
          (version) => describeTransactionRequest(version, topic),
        );
        return described?.state.startsWith("Complete") === true;
      });
    }
    await kafka.node(DYING).start();
  }

  async function read({ topic }: Writer): Promise<string[]> {
    const records = await readWithJava(kafka.bootstrapServers, [topic]);
    return records.map(({ value }) => String(value)).sort();
  }

  async function reads(writer: Writer, ...expected: readonly string[]): Promise<void> {
    const all = expected.flatMap((name) =>
      Array.from({ length: PARTITIONS }, (_, partition) => `${name}${partition}`),
    );
    await eventually(`${all.length} records of ${writer.topic}`, async () => {
      return (await read(writer)).length >= all.length;
    });
    assert.deepEqual(await read(writer), all.sort());
    const others = await readWithLibrdkafka(kafka.bootstrapServers, [writer.topic]);
    if (others !== null) assert.deepEqual(others.map(({ value }) => String(value)).sort(), all);
  }

  test("stay lost without us: what is committed cannot be read", async () => {
    assert.deepEqual(await read(writerOf("alone")), []);
  });

  test("of a commit are written, though no transaction follows", async () => {
    const writer = writerOf("commit");
    await reads(writer, "a");
    assert.match(writer.said.join("\n"), /had lost markers .*"outcome":"commit"/);
  });

  test("of a commit are written before the next transaction, which is aborted", async () => {
    const writer = writerOf("next");
    await writer.write("b");
    assert.deepEqual(await writer.producer.end("abort", "first"), { kind: "ended" });
    await writer.write("c");
    assert.deepEqual(await writer.producer.end("commit", "first"), { kind: "ended" });
    await reads(writer, "a", "c");
  });

  test("of an abort are written before the next transaction, which commits", async () => {
    const writer = writerOf("abort");
    await writer.write("b");
    assert.deepEqual(await writer.producer.end("commit", "first"), { kind: "ended" });
    await reads(writer, "b");
    assert.match(writer.said.join("\n"), /had lost markers .*"outcome":"abort"/);
  });

  test("are written by the process that comes after", async () => {
    const next = await open(writerOf("after").topic);
    await reads(next, "a");
    assert.match(next.said.join("\n"), /had lost markers .*"outcome":"commit"/);
    await next.close();
  });
});
