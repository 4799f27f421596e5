import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { DEFAULT_KAFKA_LIMITS } from "../../../src/kafka/limits.ts";
import { BrokerConnections } from "../../../src/kafka/network/broker-connections.ts";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { notConnected } from "../../../src/kafka/network/socket.ts";
import { createProducer } from "../../../src/kafka/produce/transactional-producer.ts";
import {
  LATEST,
  LIST_OFFSETS,
  listOffsetsRequest,
} from "../../../src/kafka/protocol/list-offsets.ts";
import { METADATA, metadataRequest } from "../../../src/kafka/protocol/metadata.ts";
import { WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { PLAINTEXT } from "../../../src/kafka/security/security.ts";
import type { TransactionalProducer } from "../../../src/ports/producer.ts";
import {
  apiVersionsAnswer,
  coordinatorAnswer,
  metadataAnswer,
  ScriptedBroker,
} from "./scripted-broker.ts";

const ANSWER_MS = 700;
const LIMITS = {
  requestTimeoutMs: 3 * ANSWER_MS,
  answerTimeoutMs: ANSWER_MS,
  connectTimeoutMs: ANSWER_MS,
  retryBackoffMs: 20,
  retryBackoffMaxMs: 40,
};
const RANGES = { 2: [1, 11], 3: [0, 13], 10: [0, 6], 22: [0, 5], 26: [0, 5], 28: [0, 5] } as const;
const METADATA_KEY = 3;
const OFFSET = { topic: "flights", partition: 0, offset: 7, leaderEpoch: 1, metadata: "" };

/** TxnOffsetCommit v5: the one offset is taken. */
function offsetsAnswer(): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray([OFFSET], ({ topic, partition }) => {
    writer.compactString(topic).compactArray([partition], (each) => {
      writer.int32(each).int16(0).emptyTags();
    });
    writer.emptyTags();
  });
  return writer.emptyTags().finish();
}

/** Freezes as by SIGSTOP: it takes connections and requests, and answers when it is thawed. */
class FreezingBroker {
  readonly asked: number[] = [];
  /** Requests of these kinds are not answered, while others are. */
  readonly stuck = new Set<number>();
  #thawed: Promise<void> = Promise.resolve();
  #thaw: () => void = () => {};
  #broker: ScriptedBroker | null = null;

  static async start(): Promise<FreezingBroker> {
    const freezing = new FreezingBroker();
    freezing.#broker = await ScriptedBroker.start(async ({ apiKey }) => {
      freezing.asked.push(apiKey);
      if (freezing.stuck.has(apiKey)) return null;
      await freezing.#thawed;
      return freezing.#answer(apiKey);
    });
    return freezing;
  }

  get address(): { readonly host: string; readonly port: number } {
    assert.ok(this.#broker !== null);
    return this.#broker.address;
  }

  freeze(): void {
    this.#thawed = new Promise((resolve) => {
      this.#thaw = resolve;
    });
  }

  thaw(): void {
    this.#thaw();
  }

  async stop(): Promise<void> {
    await this.#broker?.stop();
  }

  #answer(apiKey: number): Buffer {
    const { address } = this;
    if (apiKey === 18) return apiVersionsAnswer(RANGES);
    if (apiKey === METADATA_KEY) return metadataAnswer(address, []);
    if (apiKey === 10) return coordinatorAnswer(address, "id");
    if (apiKey === 28) return offsetsAnswer();
    return new WireWriter().int32(0).int16(0).bigint64(4_000n).int16(1).emptyTags().finish();
  }
}

async function withFreezing(
  use: (broker: FreezingBroker, cluster: Cluster) => Promise<void>,
): Promise<void> {
  const broker = await FreezingBroker.start();
  const options = { bootstrapServers: [broker.address], clientId: "test", limits: LIMITS };
  try {
    const cluster = await Cluster.connect(options, AbortSignal.timeout(5_000));
    try {
      await use(broker, cluster);
    } finally {
      broker.thaw();
      await cluster.close();
    }
  } finally {
    await broker.stop();
  }
}

const describe = (cluster: Cluster, purpose: "general" | "group" | "produce") =>
  cluster.send(1, purpose, METADATA, (version) => metadataRequest(version, []));

/** How it failed, and after how many ms. */
async function failure(asked: Promise<unknown>): Promise<{ code: string; ms: number }> {
  const startedAt = performance.now();
  try {
    await asked;
  } catch (thrown) {
    assert.ok(thrown instanceof OutriggerError);
    return { code: thrown.code, ms: performance.now() - startedAt };
  }
  assert.fail("a frozen broker answered");
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("what one connection has found of a silent broker, the others need not wait for", () =>
  withFreezing(async (broker, cluster) => {
    await Promise.all([describe(cluster, "general"), describe(cluster, "group")]);
    broker.freeze();
    const first = failure(describe(cluster, "group"));
    await pause(ANSWER_MS / 2);
    const second = failure(describe(cluster, "general"));
    assert.equal((await first).code, "REQUEST_TIMED_OUT");
    const { code, ms } = await second;
    assert.equal(code, "REQUEST_TIMED_OUT");
    assert.ok(ms < ANSWER_MS * 0.8, `the second waited ${ms} ms`);
  }));

test("a silent broker refuses at once, on connections that were never opened too, until it answers", () =>
  withFreezing(async (broker, cluster) => {
    await describe(cluster, "group");
    broker.freeze();
    await failure(describe(cluster, "group"));
    for (const purpose of ["group", "general", "produce"] as const) {
      const { code, ms } = await failure(describe(cluster, purpose));
      assert.equal(code, "BROKER_UNAVAILABLE");
      assert.ok(ms < ANSWER_MS / 2, `${purpose} waited ${ms} ms`);
    }
    broker.thaw();
    await describe(cluster, "group");
    await describe(cluster, "produce");
  }));

test("a broker that is slow with one thing is not taken for a silent one", () =>
  withFreezing(async (broker, cluster) => {
    broker.stuck.add(2);
    const slow = failure(
      cluster.send(1, "produce", LIST_OFFSETS, (version) =>
        listOffsetsRequest(version, { topic: "flights", partition: 0 }, 1, LATEST),
      ),
    );
    await pause(ANSWER_MS * 0.7);
    await describe(cluster, "group");
    assert.equal((await slow).code, "REQUEST_TIMED_OUT");
    const before = broker.asked.length;
    await describe(cluster, "group");
    assert.deepEqual(broker.asked.slice(before), [METADATA_KEY], "its connection is as it was");
  }));

test("metadata is had within a moment of the thaw, whoever is the only broker", () =>
  withFreezing(async (broker, cluster) => {
    broker.freeze();
    await failure(describe(cluster, "group"));
    const refreshed = cluster.leader("flights", 0, AbortSignal.timeout(3 * ANSWER_MS));
    refreshed.catch(() => {});
    // In the midst of an attempt: at its end, its deadline would race with the thaw.
    await pause(1.5 * ANSWER_MS);
    broker.thaw();
    const startedAt = performance.now();
    await cluster.refresh([]);
    const ms = performance.now() - startedAt;
    assert.ok(ms < ANSWER_MS / 2, `${ms} ms`);
    await assert.rejects(refreshed, /has no leader yet/);
  }));

test("a broker that takes no connection is waited for by the first who asks alone", async () => {
  const limits = { ...DEFAULT_KAFKA_LIMITS, ...LIMITS };
  const connections = new BrokerConnections({
    clientId: "test",
    clientVersion: "0",
    limits,
    security: PLAINTEXT,
    openSocket: async (_address, _onBytes, timeoutMs) => {
      await pause(timeoutMs);
      throw notConnected(timeoutMs);
    },
  });
  const node = { id: 1, host: "192.0.2.1", port: 9092, rack: null };
  assert.ok((await failure(connections.get(node, "general"))).ms >= ANSWER_MS * 0.9);
  const { code, ms } = await failure(connections.get(node, "group"));
  assert.equal(code, "BROKER_UNAVAILABLE");
  assert.ok(ms < ANSWER_MS / 2, `the second waited ${ms} ms`);
  connections.close();
});

const MEMBER = { memberId: "member", memberEpoch: 3 };

async function withProducer(
  use: (producer: TransactionalProducer, broker: FreezingBroker) => Promise<void>,
): Promise<void> {
  await withFreezing(async (broker, cluster) => {
    const options = { transactionalId: "id", groupId: "id", transactionTimeoutMs: 600 };
    const producer = createProducer(cluster, options);
    await producer.initialize(AbortSignal.timeout(5_000));
    await use(producer, broker);
    broker.thaw();
    assert.equal((await producer.initialize(AbortSignal.timeout(5_000))).kind, "ready");
    await producer.close();
  });
}

test("a frozen coordinator of group and transactions costs one wait, not one for each request", () =>
  withProducer(async (producer, broker) => {
    assert.equal((await producer.sendOffsets([OFFSET], MEMBER)).kind, "accepted");
    assert.equal((await producer.end("commit", "first")).kind, "ended");
    broker.freeze();
    const startedAt = performance.now();
    assert.equal((await producer.sendOffsets([OFFSET], MEMBER)).kind, "abortable");
    assert.equal((await producer.end("abort", "first")).kind, "unknown");
    const ms = performance.now() - startedAt;
    assert.ok(ms < ANSWER_MS * 1.6, `offsets and abort took ${ms} ms`);
  }));

test("R-2: a coordinator that nobody names in time is not looked for beyond the deadline", () =>
  withProducer(async (producer, broker) => {
    broker.freeze();
    const startedAt = performance.now();
    assert.equal((await producer.sendOffsets([OFFSET], MEMBER)).kind, "abortable");
    assert.equal((await producer.end("abort", "first")).kind, "unknown");
    const ms = performance.now() - startedAt;
    assert.ok(ms < ANSWER_MS * 3, `offsets and abort took ${ms} ms`);
  }));
