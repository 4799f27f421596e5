import assert from "node:assert/strict";
import { test } from "node:test";
import { requestTopics } from "../../../src/kafka/admin/topics.ts";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { type WireReader, WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { apiVersionsAnswer, metadataAnswer, ScriptedBroker } from "./scripted-broker.ts";

const [API_VERSIONS, METADATA, CREATE_TOPICS] = [18, 3, 19];

/** Creates `a` and `b` at a broker that gives these answers; resolves with what was asked for. */
async function creating(...answers: readonly Readonly<Record<string, number>>[]) {
  const asked: string[][] = [];
  const broker: ScriptedBroker = await ScriptedBroker.start(({ apiKey, reader }) => {
    if (apiKey === API_VERSIONS) {
      return apiVersionsAnswer({ [METADATA]: [0, 13], [CREATE_TOPICS]: [2, 7] });
    }
    if (apiKey === METADATA) return metadataAnswer(broker.address, []);
    const names = readTopics(reader);
    asked.push(names);
    return answerOf(answers[asked.length - 1] ?? {});
  });
  const limits = { retryBackoffMs: 1, retryBackoffMaxMs: 5 };
  const about = { bootstrapServers: [broker.address], clientId: "test", limits };
  const cluster = await Cluster.connect(about, AbortSignal.timeout(5_000));
  const topics = ["a", "b"].map((name) => {
    return { name, partitions: 4, replicationFactor: 3, configs: { "cleanup.policy": "compact" } };
  });
  try {
    await requestTopics(cluster, topics, false);
    return asked;
  } finally {
    await cluster.close();
    await broker.stop();
  }
}

/** CreateTopics v4: the names, of topics that are as they should be. */
function readTopics(reader: WireReader): string[] {
  return Array.from({ length: reader.int32() }, () => {
    const name = reader.string();
    assert.deepEqual([reader.int32(), reader.int16(), reader.int32()], [4, 3, 0]);
    assert.equal(reader.int32(), 1);
    assert.deepEqual([reader.string(), reader.nullableString()], ["cleanup.policy", "compact"]);
    return name;
  });
}

/** By name, the error. */
function answerOf(errors: Readonly<Record<string, number>>): Buffer {
  const writer = new WireWriter().int32(0).int32(Object.keys(errors).length);
  for (const [name, error] of Object.entries(errors)) {
    writer.string(name).int16(error).nullableString("so it is");
  }
  return writer.finish();
}

test("topics are created in one request, and one that exists is as good as created", async () => {
  const exists = { a: ERROR.NONE, b: ERROR.TOPIC_ALREADY_EXISTS };
  assert.deepEqual(await creating(exists), [["a", "b"]]);
});

test("what cannot be done now is asked for again, and nothing else", async () => {
  const first = { a: ERROR.NOT_CONTROLLER, b: ERROR.NOT_CONTROLLER };
  const second = { a: ERROR.NONE, b: ERROR.REQUEST_TIMED_OUT };
  const third = { b: ERROR.TOPIC_ALREADY_EXISTS };
  const all = [["a", "b"], ["a", "b"], ["b"]];
  assert.deepEqual(await creating(first, second, third), all);
});

test("a refusal says which topic, why, and what to do", async () => {
  await assert.rejects(creating({ a: ERROR.NONE, b: ERROR.POLICY_VIOLATION }), {
    code: "BROKER_REFUSED",
    message: /did not let us create a, b: b: POLICY_VIOLATION.* \(so it is\); mend that/,
  });
  await assert.rejects(creating({ a: ERROR.TOPIC_AUTHORIZATION_FAILED, b: ERROR.NONE }), {
    code: "AUTHORIZATION_FAILED",
    message: /a: TOPIC_AUTHORIZATION_FAILED.*; grant the right with kafka-acls/,
  });
});
