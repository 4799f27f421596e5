import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OUTRIGGER_HEADERS, STREAMS_HEADERS } from "../../src/tasks/dead-letter.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { availableSdks } from "../support/sdks.ts";
import { eventually } from "../support/sidecar-process.ts";
import { Supervised } from "../support/supervised.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

const RECORDS = 10_000;
const KEYS = 40;
const CRASHES_MAX = 3;

function good(count: number): Input[] {
  return Array.from({ length: count }, (_, i) => ({ key: `key-${i % KEYS}`, value: `v${i}` }));
}

/** Good records with `bad` ones among them, each under a key that good ones have too. */
function among(records: readonly Input[], bad: readonly string[]): Input[] {
  const step = Math.floor(records.length / (bad.length + 1));
  return records.flatMap((record, i) => {
    const at = (i + 1) % step === 0 ? bad[(i + 1) / step - 1] : undefined;
    return at === undefined ? [record] : [record, { key: record.key, value: at }];
  });
}

/** A scene whose dead letters go to a topic of their own. */
async function sceneOf(kind: "embedded" | "kafka", broker: Broker, name: string) {
  const deadLetters = `${name}-dead-letters`;
  const scene = await Scene.make(kind, broker, name, {
    "errors.dead.letter.queue.topic.name": deadLetters,
    "crashes.max": CRASHES_MAX,
    "retry.max": 2,
    "retry.initial.ms": 10,
  });
  await makeTopics(scene.kafka, [deadLetters]);
  return { scene, deadLetters };
}

function headersOf({ headers }: JudgedRecord): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]));
}

/** The dead letter of the one input with this value: as it was, with what every one says of it. */
function deadLetterOf(value: string, judged: readonly JudgedRecord[], scene: Scene) {
  const inputs = judged.filter((r) => r.topic === scene.input && String(r.value) === value);
  const letters = judged.filter((r) => r.topic !== scene.input && String(r.value) === value);
  assert.deepEqual([inputs.length, letters.length], [1, 1], `dead letters of "${value}"`);
  const [[input], [letter]] = [inputs, letters];
  assert.ok(input !== undefined && letter !== undefined);
  assert.deepEqual([letter.key, letter.value], [input.key, input.value]);
  const said = headersOf(letter);
  const place = [STREAMS_HEADERS.topic, STREAMS_HEADERS.partition, STREAMS_HEADERS.offset];
  assert.deepEqual(
    [...place, OUTRIGGER_HEADERS.task, OUTRIGGER_HEADERS.timestamp].map((name) => said[name]),
    [
      scene.input,
      String(input.partition),
      String(input.offset),
      `0_${input.partition}`,
      String(input.timestamp),
    ],
  );
  assert.equal(said[OUTRIGGER_HEADERS.applicationId], scene.settings.applicationId);
  return {
    reason: said[OUTRIGGER_HEADERS.reason],
    attempts: Number(said[OUTRIGGER_HEADERS.attempts]),
    node: said[OUTRIGGER_HEADERS.node],
    exception: said[STREAMS_HEADERS.exception],
    message: said[STREAMS_HEADERS.message],
  };
}

const sdks = availableSdks("killer");

for (const kind of availableBrokers()) {
  describe(`on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    for (const [i, { name, start: startIn }] of sdks.entries()) {
      test(`${name}: a record that kills its process is one dead letter, and nothing else is lost or doubled: G-11`, async () => {
        const { scene, deadLetters } = await sceneOf(kind.name, broker, `killer-${i}`);
        const records = good(RECORDS);
        try {
          await produce(scene.kafka, scene.input, among(records, ["kill"]));
          scene.startSidecar();
          const application = new Supervised(() => startIn(scene));
          await scene.outputs(RECORDS, 120_000);
          await scene.records(deadLetters, 1);
          await application.stop();
          assert.deepEqual(application.deaths, Array(CRASHES_MAX).fill("SIGKILL"));
          for (const output of await scene.judge()) assertCountedOnce(output, records);
          for (const judged of await scene.judge([scene.input, deadLetters])) {
            assert.equal(judged.length, RECORDS + 2, "all inputs, and one dead letter");
            const { reason, attempts, node } = deadLetterOf("kill", judged, scene);
            assert.deepEqual([reason, attempts, node], ["process_crash", CRASHES_MAX, undefined]);
          }
        } finally {
          await scene.end();
        }
      });

      test(`${name}: a handler that throws half-way leaves no output and no write, only its dead letter: G-03`, async () => {
        const { scene, deadLetters } = await sceneOf(kind.name, broker, `half-way-${i}`);
        const records = good(1_200);
        const alone = { key: "alone", value: "fail" };
        try {
          const input = among(records, ["reject"]);
          await produce(scene.kafka, scene.input, [...input.slice(0, 700), alone]);
          await produce(scene.kafka, scene.input, input.slice(700));
          scene.startSidecar();
          const application = startIn(scene);
          await scene.outputs(records.length);
          await scene.records(deadLetters, 2);
          await eventually("it runs on", () => application.isRunning, scene.children, 1);
          for (const output of await scene.judge()) assertCountedOnce(output, records);
          const changelog = `${scene.settings.applicationId}-counts-changelog`;
          for (const judged of await scene.judge([changelog])) assertFold(judged, records);
          for (const judged of await scene.judge([scene.input, deadLetters])) {
            assert.equal(judged.length, input.length + 3, "all inputs, and two dead letters");
            const failed = deadLetterOf("fail", judged, scene);
            assert.deepEqual([failed.reason, failed.attempts], ["retries_exhausted", 3]);
            assert.deepEqual([failed.node, failed.message], ["count", "half-way"]);
            const rejected = deadLetterOf("reject", judged, scene);
            // Twice where others came behind it in its batch: what is given up stands alone.
            assert.equal(rejected.reason, "rejected");
            assert.ok([1, 2].includes(rejected.attempts), `${rejected.attempts} attempts`);
            assert.deepEqual([rejected.node, rejected.exception], ["count", "DeadLetter"]);
          }
        } finally {
          await scene.end();
        }
      });
    }
  });
}

/** What the changelog has of each key is at last the count of its good records, and of no other. */
function assertFold(changelog: readonly JudgedRecord[], records: readonly Input[]): void {
  const counts = new Map<string, number>();
  for (const { key } of records) counts.set(key, (counts.get(key) ?? 0) + 1);
  const last = new Map<string, number>();
  for (const { key, value } of changelog) {
    assert.ok(value !== null, "nothing was deleted");
    const count = Number(value.readBigInt64BE());
    assert.ok(count > (last.get(String(key)) ?? 0), `the count of ${key} went on`);
    last.set(String(key), count);
  }
  assert.deepEqual(last, new Map([...last.keys()].map((key) => [key, counts.get(key)])));
  assert.deepEqual([...last.keys()].sort(), [...counts.keys()].sort());
}
