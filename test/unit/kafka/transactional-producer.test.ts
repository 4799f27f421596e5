import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { createProducer } from "../../../src/kafka/produce/transactional-producer.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { WireWriter } from "../../../src/kafka/protocol/wire.ts";
import type { TransactionalProducer } from "../../../src/ports/producer.ts";
import {
  apiVersionsAnswer,
  coordinatorAnswer,
  metadataAnswer,
  ScriptedBroker,
  type ScriptedTopic,
} from "./scripted-broker.ts";

const API_VERSIONS = 18;
const TXN_OFFSET_COMMIT = 28;
const END_TXN = 26;
const RANGES = { 3: [0, 13], 10: [0, 6], 22: [0, 5], 26: [0, 5], 28: [0, 5] } as const;
const MEMBER = { memberId: "member", memberEpoch: 3 };
const OFFSETS = [0, 1].map((partition) => ({
  topic: "flights",
  partition,
  offset: 7,
  leaderEpoch: 1,
  metadata: "",
}));

/** A producer whose coordinator answers with these codes, the last one for ever. */
async function withProducer(
  codes: {
    readonly end?: readonly number[];
    readonly offsets?: readonly (readonly number[])[];
    /** Filled with the id and epoch that each EndTxn names. */
    readonly identities?: (readonly [bigint, number])[];
    /** How often metadata are asked for before the topic `out` is known. */
    readonly denials?: number;
  },
  use: (producer: TransactionalProducer, asked: Map<number, number>) => Promise<void>,
): Promise<void> {
  const asked = new Map<number, number>();
  const broker: ScriptedBroker = await ScriptedBroker.start(({ apiKey, reader }) => {
    const times = asked.get(apiKey) ?? 0;
    asked.set(apiKey, times + 1);
    switch (apiKey) {
      case API_VERSIONS:
        return apiVersionsAnswer(RANGES);
      case 3:
        return metadataAnswer(broker.address, [topicAfter(times, codes.denials ?? 0)]);
      case 10:
        return coordinatorAnswer(broker.address, "id");
      case TXN_OFFSET_COMMIT:
        return offsetsAnswer(codes.offsets?.[times] ?? codes.offsets?.at(-1) ?? []);
      case END_TXN:
        reader.compactString();
        codes.identities?.push([reader.bigint64(), reader.int16()]);
        return identityAnswer(codes.end?.[times] ?? codes.end?.at(-1) ?? 0, 2 + times);
      default:
        return identityAnswer(0);
    }
  });
  const signal = AbortSignal.timeout(5_000);
  const cluster = await Cluster.connect(
    { bootstrapServers: [broker.address], clientId: "test", limits: { topicMissingMaxMs: 300 } },
    signal,
  );
  const producer = createProducer(cluster, {
    transactionalId: "id",
    groupId: "group",
    transactionTimeoutMs: 1_000,
  });
  try {
    assert.deepEqual(await producer.initialize(signal), { kind: "ready" });
    await use(producer, asked);
  } finally {
    await producer.close();
    await cluster.close();
    await broker.stop();
  }
}

function topicAfter(times: number, denials: number): ScriptedTopic {
  const out = { name: "out", id: "0123456789abcdef1122334455667788" };
  if (times >= denials) return { ...out, epochs: [1, 1] };
  return { ...out, error: ERROR.UNKNOWN_TOPIC_OR_PARTITION, epochs: [] };
}

/** InitProducerId v5 and EndTxn v5 answer alike. */
function identityAnswer(code: number, epoch = 1): Buffer {
  return new WireWriter().int32(0).int16(code).bigint64(4_000n).int16(epoch).emptyTags().finish();
}

function offsetsAnswer(codes: readonly number[]): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray(["flights"], (topic) => {
    writer.compactString(topic).compactArray([...codes.entries()], ([partition, code]) => {
      writer.int32(partition).int16(code).emptyTags();
    });
    writer.emptyTags();
  });
  return writer.emptyTags().finish();
}

for (const code of [ERROR.COORDINATOR_NOT_AVAILABLE, ERROR.NOT_COORDINATOR] as const) {
  for (const refusal of [ERROR.INVALID_PRODUCER_EPOCH, ERROR.INVALID_TXN_STATE] as const) {
    // The coordinator says this too when it wrote the commit and then lost its log: its successor
    // may find the commit there, and the refusal of the next request is its echo.
    test(`R-7: EndTxn answered with ${code}, then refused with ${refusal}, is unknown`, () =>
      withProducer({ end: [code, refusal] }, async (producer, asked) => {
        assert.equal((await producer.end("commit", "first")).kind, "unknown");
        assert.equal(asked.get(END_TXN), 2);
      }));
  }
}

test("R-7: EndTxn refused at the first request is a definite no", () =>
  withProducer({ end: [ERROR.INVALID_TXN_STATE] }, async (producer) => {
    assert.equal((await producer.end("commit", "first")).kind, "fenced");
  }));

test("R-6: an offset commit that one partition refuses is refused", () =>
  withProducer({ offsets: [[0, ERROR.UNKNOWN_MEMBER_ID]] }, async (producer) => {
    assert.equal((await producer.sendOffsets(OFFSETS, MEMBER)).kind, "memberLost");
  }));

test("R-4: an offset commit that leaves a partition out is no acceptance", () =>
  withProducer({ offsets: [[0]] }, async (producer) => {
    assert.equal((await producer.sendOffsets(OFFSETS, MEMBER)).kind, "fatal");
  }));

test("R-6: an offset commit is repeated while the coordinator moves, then accepted", () =>
  withProducer(
    {
      offsets: [
        [0, ERROR.NOT_COORDINATOR],
        [0, 0],
      ],
    },
    async (producer, asked) => {
      assert.deepEqual(await producer.sendOffsets(OFFSETS, MEMBER), { kind: "accepted" });
      assert.equal(asked.get(TXN_OFFSET_COMMIT), 2);
    },
  ));

test("R-14: the epoch of an EndTxn answer is the next transaction's; a repeated one keeps its own", () => {
  const identities: [bigint, number][] = [];
  const end = [0, ERROR.INVALID_TXN_STATE, 0, 0];
  return withProducer({ end, identities }, async (producer) => {
    assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    assert.equal((await producer.end("commit", "repeated")).kind, "unknown");
    assert.deepEqual(await producer.end("commit", "repeated"), { kind: "ended" });
    assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    assert.deepEqual(
      identities.map(([, epoch]) => epoch),
      [1, 2, 2, 4],
    );
  });
});

test("R-2: offsets that the coordinator never takes are given up before the broker would", () =>
  withProducer({ offsets: [[ERROR.CONCURRENT_TRANSACTIONS, 0]] }, async (producer) => {
    const startedAtMs = performance.now();
    assert.equal((await producer.sendOffsets(OFFSETS, MEMBER)).kind, "abortable");
    const tookMs = performance.now() - startedAtMs;
    assert.ok(tookMs < 1_000, `it took ${tookMs} ms of a transaction timeout of 1000 ms`);
  }));

test("the connection for outputs is opened before there are any", () =>
  withProducer({}, async (producer, asked) => {
    const connections = (): number => asked.get(API_VERSIONS) ?? 0;
    const before = connections();
    await producer.prepare(["out"], AbortSignal.timeout(5_000));
    const untilMs = performance.now() + 2_000;
    while (connections() === before && performance.now() < untilMs) await delay(2);
    assert.equal(connections(), before + 1);
  }));

test("an output that a broker has not heard of yet is waited for, and not for ever", async () => {
  const prepared = (denials: number) =>
    withProducer({ denials }, async (producer) => {
      await producer.prepare(["out"], AbortSignal.timeout(5_000));
    });
  await prepared(3);
  await assert.rejects(prepared(1_000), { code: "TOPIC_MISSING" });
});
