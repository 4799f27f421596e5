import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { JudgedRecord } from "../support/judges.ts";
import { type KafkaBroker, startKafka } from "../support/kafka-broker.ts";
import { whyNoKafka } from "../support/kafka-jars.ts";
import { Scene } from "../support/scene.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

const missing = whyNoKafka();
if (missing === null) describe("sources that are subscribed to by pattern", suite);
else process.stdout.write(`NOT PROVED: subscriptions by pattern, because ${missing}\n`);

const PATTERNED = "test/support/apps/patterned.js";
const KEYS = 20;
/** Brokers look for new topics of a pattern every ten seconds at most. */
const FOUND_MS_MAX = 40_000;
const CHANGED = "a pattern matches other topics than before";

function inputs(name: string, count: number): Input[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `key-${i % KEYS}`,
    value: `${name} ${i}`,
  }));
}

/** Each input once, those of a key and topic in their order, and each key counted 1, 2, 3 without a gap. */
function assertCounted(output: readonly JudgedRecord[], given: readonly Input[]): void {
  const wanted = new Map<string, string[]>();
  const found = new Map<string, string[]>();
  const counts = new Map<string, number>();
  const add = (lists: Map<string, string[]>, key: string, value: string): void => {
    const name = `${key} of ${value.split(" ")[0]}`;
    lists.set(name, [...(lists.get(name) ?? []), value]);
  };
  for (const { key, value } of given) add(wanted, key, value);
  for (const { key, value } of output) {
    const [count = "", ...rest] = String(value).split(" ");
    const next = (counts.get(String(key)) ?? 0) + 1;
    assert.equal(Number(count), next, `the count of ${key}`);
    counts.set(String(key), next);
    add(found, String(key), rest.join(" "));
  }
  for (const [name, list] of wanted) assert.deepEqual(found.get(name), list, name);
  assert.equal(found.size, wanted.size);
}

function suite(): void {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafka();
  });
  after(() => broker.stop());

  const times = (child: Child, text: string): number => child.output.split(text).length - 1;

  test("a topic that is made while the application runs is read, and one that is deleted is let go", async (t) => {
    const scene = await Scene.make("kafka", broker, "pattern");
    const given: Input[] = [];
    const send = async (topic: string, name: string, count: number): Promise<void> => {
      const records = inputs(name, count);
      given.push(...records);
      await produce(scene.kafka, topic, records);
    };
    try {
      const sidecar = scene.startSidecar();
      const application = scene.startApplication(PATTERNED);
      await send(scene.input, "first", 300);
      await scene.outputs(300);
      const second = `${scene.input}-second`;
      const startedAt = performance.now();
      await makeTopics(scene.kafka, [second]);
      await send(second, "second", 300);
      await send(scene.input, "firstly", 200);
      await scene.outputs(800, FOUND_MS_MAX);
      t.diagnostic(`found and read after ${Math.round(performance.now() - startedAt)} ms`);
      assert.ok(application.isRunning, "the application was not started anew");
      assert.equal(times(sidecar, CHANGED), 1);
      for (const output of await scene.judge()) assertCounted(output, given);

      const other = scene.startSecond(PATTERNED);
      await eventually(
        "both to have tasks",
        () => times(other.sidecar, '"task taken over"') > 0,
        scene.children,
      );
      const third = `${scene.input}-third`;
      await makeTopics(scene.kafka, [third]);
      await send(third, "third", 300);
      await send(second, "secondly", 100);
      await scene.outputs(1_200, FOUND_MS_MAX);
      for (const output of await scene.judge()) assertCounted(output, given);

      const admin = scene.kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [third] });
      await admin.disconnect();
      await eventually(
        "both to let it go",
        () => times(sidecar, CHANGED) >= 3 && times(other.sidecar, CHANGED) >= 2,
        scene.children,
      );
      await send(second, "still", 200);
      await scene.outputs(1_400, FOUND_MS_MAX);
      for (const output of await scene.judge()) assertCounted(output, given);
      for (const child of [sidecar, other.sidecar]) assert.equal(await child.stop(), "0");
    } finally {
      await scene.end();
    }
  });

  test("a new topic that has another number of partitions is refused, by name, and nothing is lost", async () => {
    const scene = await Scene.make("kafka", broker, "pattern-odd");
    try {
      scene.startSidecar();
      const application = scene.startApplication(PATTERNED);
      const given = inputs("first", 100);
      await produce(scene.kafka, scene.input, given);
      await scene.outputs(100);
      const odd = `${scene.input}-odd`;
      await makeTopics(scene.kafka, [odd], {}, 3);
      await eventually("the refusal", () => !application.isRunning, scene.children);
      assert.match(application.output, /TOPIC_MISCONFIGURED.*-in has 4, .*-in-odd has 3/s);
      const admin = scene.kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [odd] });
      await admin.disconnect();
      scene.startApplication(PATTERNED);
      const more = inputs("more", 100);
      await produce(scene.kafka, scene.input, more);
      await scene.outputs(200);
      for (const output of await scene.judge()) assertCounted(output, [...given, ...more]);
    } finally {
      await scene.end();
    }
  });

  test("a pattern that brokers would read otherwise, or that matches nothing, is refused in words", async () => {
    const scene = await Scene.make("kafka", broker, "pattern-none");
    try {
      scene.startSidecar();
      const environment = { OUTRIGGER_TEST_IN: "nothing-like-this" };
      const none = scene.startAlone(PATTERNED, environment);
      assert.equal(await none.ended(), "1");
      assert.match(
        none.output,
        /TOPIC_MISSING.*no topic matches the pattern nothing-like-this\.\*/s,
      );
      const ahead = scene.startAlone(PATTERNED, { OUTRIGGER_TEST_IN: "(?=in)" });
      assert.equal(await ahead.ended(), "1");
      assert.match(ahead.output, /TOPOLOGY_INVALID.*look-around/s);
      const own = scene.startAlone(PATTERNED, { OUTRIGGER_TEST_IN: scene.input.slice(0, -2) });
      assert.equal(await own.ended(), "1");
      assert.match(own.output, /TOPOLOGY_INVALID.*matches .*-out, which the application/s);
    } finally {
      await scene.end();
    }
  });
}
