import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { type Input, produce, watch } from "../support/topics.ts";

const APP = "test/support/apps/timed.js";
const KEYS = 25;
const ROUNDS = 400;
const RECORDS = KEYS * ROUNDS;
const PORTION = 20;
/** Now: the embedded broker keeps a tombstone by its record's time, and Kafka by when it was cleaned. */
const START_MS = Date.now();
const FLAGS = {
  "batch.max.records": 10,
  "commit.interval.ms": 20,
  "repartition.purge.interval.ms": 200,
};

/** Between them the application is killed; once the state is taken away. */
const KILLS = [
  "produceSent:6",
  "ending:12",
  "endSent:12",
  "applying:12",
  "ending:5",
  "answered:40",
];

/** One ms apart. What one round dooms the next one spares: both are of the same key. */
const inputs: readonly Input[] = Array.from({ length: RECORDS }, (_, n) => {
  const [key, round] = [n % KEYS, Math.floor(n / KEYS)];
  return { key: `key-${key}`, value: textOf(n, key, round), timestamp: START_MS + n };
});

function textOf(n: number, key: number, round: number): string {
  if (key % 5 === 0) return round % 2 === 0 ? `doomed-${n}` : `spared-${n - KEYS}`;
  if (key % 5 === 1) return `moved-${n}`;
  if (key % 5 === 2) return `wall-${n}`;
  return n % 50 === 3 ? `fail-${n}` : `once-${n}`;
}

/** Stream time moves on in every partition. */
const closing: readonly Input[] = Array.from({ length: 4 * KEYS }, (_, n) => {
  return { key: `key-${n}`, value: `end-${n}`, timestamp: START_MS + 2 * RECORDS };
});

/** What fires of those that were sent, with its time where stream time says it. */
function expected(sent: number): string[] {
  return inputs.slice(0, sent).flatMap(({ value, timestamp = 0 }) => {
    if (value.startsWith("once")) return [`${value} ${timestamp + 50}`];
    if (value.startsWith("moved")) return [`${value} ${timestamp + 100}`];
    return value.startsWith("wall") ? [value] : [];
  });
}

function firedIn(output: readonly JudgedRecord[]): string[] {
  const lines = output.map(({ value }) => String(value)).filter((line) => !line.startsWith("tick"));
  return lines.map((line) => (line.startsWith("wall") ? (line.split(" ")[0] ?? "") : line));
}

/** Of each task the counts from 1 on, none left out and none twice. */
function assertTicks(output: readonly JudgedRecord[]): void {
  const seen = new Map<number, number>();
  for (const { value } of output) {
    const [what, count] = String(value).split(" ");
    if (what === "tick") seen.set(Number(count), (seen.get(Number(count)) ?? 0) + 1);
  }
  const counts = Array.from({ length: seen.size }, (_, n) => seen.get(n + 1) ?? 0);
  assert.ok((counts[0] ?? 0) > 1 && seen.size > 1, `${counts}`);
  for (const [index, count] of counts.entries()) {
    assert.ok(count > 0 && count <= (counts[index - 1] ?? 4), `${index + 1} of ${counts}`);
  }
}

for (const kind of availableBrokers()) {
  describe(`timers on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("P-76: each timer fires once, whoever dies, and none that was cancelled: G-16", async () => {
      const scene = await Scene.make(kind.name, broker, `timers-${kind.name}`, FLAGS);
      try {
        let sent = 0;
        scene.startApplication(APP);
        for (const [turn, kill] of KILLS.entries()) {
          const sidecar = scene.startSidecar({ OUTRIGGER_FAILPOINT: kill });
          const ended = sidecar.ended();
          let isAlive = true;
          void ended.then(() => (isAlive = false));
          // As long as it lives there is something to commit, however fast it is.
          while (isAlive && sent < RECORDS) {
            await produce(scene.kafka, scene.input, inputs.slice(sent, sent + PORTION));
            sent += PORTION;
          }
          assert.equal(await ended, "SIGKILL", `${kill}: ${sidecar.output}`);
          if (turn === 2) scene.wipeState();
          if (turn % 2 === 0) continue;
          await scene.application?.kill();
          scene.startApplication(APP);
        }
        scene.startSidecar();
        // What is doomed is spared by the round after it.
        const whole = Math.ceil(sent / (2 * KEYS)) * 2 * KEYS;
        await produce(scene.kafka, scene.input, [...inputs.slice(sent, whole), ...closing]);
        const fired = expected(whole);
        await allFired(scene, fired.length);
        const topic = `${scene.settings.applicationId}-wait-timers`;
        await eventually(
          "nothing is kept that fired",
          () => isPurged(scene, topic),
          scene.children,
        );
        assert.equal(await scene.application?.stop(), "0");
        assert.equal(await scene.sidecar?.stop(), "0", scene.sidecar?.output);
        for (const output of await scene.judge()) {
          assert.deepEqual(firedIn(output).sort(), fired.sort());
          assertTicks(output);
        }
      } finally {
        await scene.end();
      }
    });

    test("timers that wait are where the changelog is: another sidecar fires them", async () => {
      const scene = await Scene.make(kind.name, broker, `moved-timers-${kind.name}`, FLAGS);
      const waiting = Array.from({ length: 40 }, (_, n) => {
        return { key: `key-${n}`, value: `once-${n}`, timestamp: START_MS };
      });
      const end = closing.slice(0, 40).map((each) => ({ ...each, timestamp: START_MS + 60 }));
      try {
        await produce(scene.kafka, scene.input, waiting);
        scene.startApplication(APP);
        const first = scene.startSidecar();
        await scene.outputs(4);
        const { sidecar } = scene.startSecond(APP);
        const isShared = (): boolean => sidecar.output.includes("task taken over");
        await eventually("tasks of the second", isShared, scene.children);
        assert.equal(await first.stop(), "0", first.output);
        await produce(scene.kafka, scene.input, end);
        await scene.outputs(waiting.length + 4);
        assert.equal(await sidecar.stop(), "0", sidecar.output);
        for (const output of await scene.judge()) {
          const fired = waiting.map(({ value }) => `${value} ${START_MS + 50}`);
          assert.deepEqual(firedIn(output).sort(), fired.sort());
        }
      } finally {
        await scene.end();
      }
    });
  });
}

/** Beside the punctuations. */
async function allFired({ kafka, output, children }: Scene, count: number): Promise<void> {
  const seen = await watch(kafka, output);
  const isThere = (): boolean => firedIn(seen.records).length >= count;
  await eventually(`${count} timers`, isThere, children, 120_000);
  await seen.stop();
}

async function isPurged({ kafka }: Scene, topic: string): Promise<boolean> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    const left = offsets.map(({ low, high }) => Number(high) - Number(low));
    // Behind the last one stands the marker of its transaction.
    return offsets.some(({ high }) => Number(high) > 0) && left.every((count) => count <= 1);
  } finally {
    await admin.disconnect();
  }
}
