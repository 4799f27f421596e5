import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

const APP = "test/support/apps/closing.js";
const RECORDS = 20_000;
const PORTION = 20;
const KEYS = 12;
const SIZE_MS = 1_000;
/** The embedded broker would compact tombstones of long ago away at once: it goes by their timestamps. */
const START_MS = Math.floor(Date.now() / SIZE_MS) * SIZE_MS - 3_600_000;

const FLAGS = { "batch.max.records": 20, "commit.interval.ms": 20 };
/** How the sidecars end, one after the other. */
const KILLS = ["produceSent:4", "ending:9", "endSent:9", "applying:9"];

const inputs: readonly Input[] = Array.from({ length: RECORDS }, (_, n) => ({
  key: `key-${n % KEYS}`,
  value: `record ${n}`,
  timestamp: START_MS + n * 20,
}));

/** Records whose time closes what is there, in every partition. */
const closers: readonly Input[] = Array.from({ length: 32 }, (_, n) => ({
  key: `closer-${n}`,
  value: "",
  timestamp: START_MS + RECORDS * 20 + 60_000,
}));

/** Each window once, in each way, with its count. */
function expectedOf(records: readonly Input[]): Map<string, string[]> {
  const counts = new Map<string, number>();
  for (const { key, timestamp = 0 } of records) {
    const window = `${key}@${Math.floor(timestamp / SIZE_MS) * SIZE_MS}`;
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  const both = [...counts].flatMap(([window, count]) => {
    return ["closed", "folded", "held"].map((way): [string, string[]] => [
      `${way} ${window}`,
      [`${count}`],
    ]);
  });
  return new Map(both.sort());
}

function byKey(output: readonly JudgedRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { key, value } of output) {
    found.set(String(key), [...(found.get(String(key)) ?? []), String(value)]);
  }
  return new Map([...found].sort());
}

/** What is written per commit: nothing twice, and last of each key how many records it has. */
function assertCounted(output: readonly JudgedRecord[], records: readonly Input[]): void {
  const found = byKey(output);
  const counts = new Map<string, number>();
  for (const { key } of records) counts.set(`${key}`, (counts.get(`${key}`) ?? 0) + 1);
  for (const [key, count] of counts) {
    const said = (found.get(key) ?? []).map(Number);
    assert.deepEqual(
      said,
      [...new Set(said)].sort((one, other) => one - other),
      key,
    );
    assert.equal(said.at(-1), count, key);
  }
}

for (const kind of availableBrokers()) {
  describe(`windows that close on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("each window is forwarded once, by emit on close and by suppress, whoever dies", async () => {
      const scene = await Scene.make(kind.name, broker, `closing-${kind.name}`, FLAGS);
      try {
        let sent = 0;
        await makeTopics(scene.kafka, [`${scene.output}-commits`]);
        scene.startApplication(APP);
        for (const [turn, kill] of KILLS.entries()) {
          const sidecar = scene.startSidecar({ OUTRIGGER_FAILPOINT: kill });
          const ended = sidecar.ended();
          while (sent < RECORDS && (await isAlive(ended))) {
            await produce(scene.kafka, scene.input, inputs.slice(sent, sent + PORTION));
            sent += PORTION;
          }
          assert.equal(await ended, "SIGKILL", `${kill}: ${sidecar.output}`);
          // What was held back comes from the changelog of the buffer.
          if (turn === 1) scene.wipeState();
          if (turn % 2 === 0) continue;
          await scene.application?.kill();
          scene.startApplication(APP);
        }
        scene.startSidecar();
        await produce(scene.kafka, scene.input, closers);
        const expected = expectedOf(inputs.slice(0, sent));
        await scene.outputs(expected.size);
        assert.equal(await scene.application?.stop(), "0");
        assert.equal(await scene.sidecar?.stop(), "0", scene.sidecar?.output);
        for (const output of await scene.judge()) assert.deepEqual(byKey(output), expected);
        for (const output of await scene.judge([`${scene.output}-commits`])) {
          assertCounted(output, inputs.slice(0, sent));
        }
      } finally {
        await scene.end();
      }
    });

    test("a quiet stream closes by the wall clock, once, and no death takes that back", async () => {
      const flags = { ...FLAGS, "stream.time.idle.ms": 300 };
      const scene = await Scene.make(kind.name, broker, `quiet-${kind.name}`, flags);
      // All within two windows of a second.
      const some = inputs.slice(0, 100);
      const expected = expectedOf(some);
      try {
        await makeTopics(scene.kafka, [`${scene.output}-commits`]);
        await produce(scene.kafka, scene.input, some);
        scene.startApplication(APP);
        // Nothing closes but by the clock: it is killed as soon as something has.
        const first = scene.startSidecar();
        await scene.outputs(1);
        await first.kill();
        scene.startSidecar();
        await scene.outputs(expected.size);
        await scene.sidecar?.kill();
        // What stream time has passed is late for ever.
        const late = some.map((each) => ({ ...each, value: "late" }));
        await produce(scene.kafka, scene.input, late);
        scene.startSidecar();
        await produce(scene.kafka, scene.input, closers);
        await scene.sidecar?.stop();
        for (const output of await scene.judge()) {
          const found = [...byKey(output)].filter(([key]) => !key.includes("closer"));
          assert.deepEqual(new Map(found), expected);
        }
      } finally {
        await scene.end();
      }
    });
  });
}

async function isAlive(ended: Promise<string>): Promise<boolean> {
  const alive = new Promise<string>((resolve) => setTimeout(resolve, 50, ""));
  return (await Promise.race([ended, alive])) === "";
}
