import assert from "node:assert/strict";
import { test } from "node:test";
import { requestTopics } from "../../../src/kafka/admin/topics.ts";
import { Cluster } from "../../../src/kafka/network/cluster.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { WireWriter } from "../../../src/kafka/protocol/wire.ts";
import { apiVersionsAnswer, metadataAnswer, ScriptedBroker } from "./scripted-broker.ts";

const [API_VERSIONS, METADATA, CREATE_TOPICS] = [18, 3, 19];
const ID = "0123456789abcdef1122334455667788";

/** Creates `a` and `b` at a broker that gives these answers; resolves with what was asked for. */
async function creating(...answers: readonly Readonly<Record<string, number>>[]) {
  const asked: string[][] = [];
  const broker: ScriptedBroker = await ScriptedBroker.start(({ apiKey, reader }) => {
    if (apiKey === API_VERSIONS) {
      return apiVersionsAnswer({ [METADATA]: [0, 13], [CREATE_TOPICS]: [2, 7] });
    }
    if (apiKey === METADATA) return metadataAnswer(broker.address, []);
    const names = reader.compactArray(() => {
      const name = reader.compactString();
      assert.deepEqual([reader.int32(), reader.int16()], [4, 3]);
      reader.compactArray(() => assert.fail("brokers assign"));
      const configs = reader.compactArray(() => {
        const config = [reader.compactString(), reader.compactNullableString()];
        reader.tags();
        return config;
      });
      assert.deepEqual(configs, [["cleanup.policy", "compact"]]);
      reader.tags();
      return name;
    });
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

/** CreateTopics v7: by name, the error. */
function answerOf(errors: Readonly<Record<string, number>>): Buffer {
  const writer = new WireWriter().int32(0);
  writer.compactArray(Object.entries(errors), ([name, error]) => {
    writer.compactString(name).uuid(ID).int16(error).compactNullableString("so it is");
    writer.int32(4).int16(3);
    writer.compactArray(["cleanup.policy"], (key) => {
      writer.compactString(key).compactNullableString("compact").bool(false).int8(1).bool(false);
      writer.emptyTags();
    });
    writer.emptyTags();
  });
  return writer.emptyTags().finish();
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
