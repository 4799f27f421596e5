import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { type Input, produce } from "../support/topics.ts";

const APP = "test/support/apps/rekeyed.js";
const RECORDS = 30_000;
const PORTION = 20;
const SHARED = 3_000;
const KEYS = 50;
const GROUPS = 7;

/** Many quick commits with a part of the input each, so that kills fall everywhere. */
const FLAGS = {
  "batch.max.records": 20,
  "commit.interval.ms": 20,
  "repartition.purge.interval.ms": 200,
};

/** How the sidecars end, one after the other; between them the application is killed. */
const KILLS = ["produceSent:4", "ending:9", "endSent:9", "applying:9", "ending:3", "answered:30"];

const inputs: readonly Input[] = Array.from({ length: RECORDS }, (_, n) => ({
  key: `key-${n % KEYS}`,
  value: `${n % GROUPS} record ${n}`,
}));

/** Every count of every group, once, in order. */
function expected(sent: number): Map<string, string[]> {
  const counts = new Map<string, string[]>();
  for (const { value } of inputs.slice(0, sent)) {
    const [group = ""] = String(value).split(" ");
    const list = counts.get(group) ?? [];
    list.push(String(list.length + 1));
    counts.set(group, list);
  }
  return counts;
}

function byKey(output: readonly JudgedRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { key, value } of output) {
    found.set(String(key), [...(found.get(String(key)) ?? []), String(value)]);
  }
  return found;
}

for (const kind of availableBrokers()) {
  describe(`repartition on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("map, group by the new key, count: each once, in order, whoever dies", async () => {
      const scene = await Scene.make(kind.name, broker, `rekeyed-${kind.name}`, FLAGS);
      try {
        let sent = 0;
        scene.startApplication(APP);
        for (const [turn, kill] of KILLS.entries()) {
          const sidecar = scene.startSidecar({ OUTRIGGER_FAILPOINT: kill });
          const ended = sidecar.ended();
          // As long as it lives there is something to commit, however fast it is.
          while (sent < RECORDS && (await isAlive(ended))) {
            await produce(scene.kafka, scene.input, inputs.slice(sent, sent + PORTION));
            sent += PORTION;
          }
          assert.equal(await ended, "SIGKILL", `${kill}: ${sidecar.output}`);
          // State comes back from the changelog of the sub-topology that counts.
          if (turn === 2) scene.wipeState();
          if (turn % 2 === 0) continue;
          await scene.application?.kill();
          scene.startApplication(APP);
        }
        scene.startSidecar();
        await scene.outputs(sent);
        const topic = `${scene.settings.applicationId}-by-group-repartition`;
        await eventually(
          "nothing is kept that was counted",
          () => isPurged(scene, topic),
          scene.children,
        );
        assert.equal(await scene.application?.stop(), "0");
        assert.equal(await scene.sidecar?.stop(), "0", scene.sidecar?.output);
        for (const output of await scene.judge()) assert.deepEqual(byKey(output), expected(sent));
      } finally {
        await scene.end();
      }
    });

    test("two sidecars share the tasks of both sub-topologies", async () => {
      const scene = await Scene.make(kind.name, broker, `shared-${kind.name}`, FLAGS);
      const half = SHARED / 2;
      try {
        await produce(scene.kafka, scene.input, inputs.slice(0, half));
        scene.startApplication(APP);
        scene.startSidecar();
        await scene.outputs(100);
        const second = scene.startSecond(APP);
        const has = (id: number): boolean => second.sidecar.output.includes(`"${id}_`);
        await eventually("tasks of both", () => has(0) && has(1), scene.children);
        await produce(scene.kafka, scene.input, inputs.slice(half, SHARED));
        await scene.outputs(SHARED);
        assert.equal(await second.sidecar.stop(), "0", second.sidecar.output);
        for (const output of await scene.judge()) assert.deepEqual(byKey(output), expected(SHARED));
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

/** Of each partition that has had any, less is left than was written. */
async function isPurged({ kafka }: Scene, topic: string): Promise<boolean> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.every(({ low, high }) => Number(high) === 0 || Number(low) > Number(high) - 100);
  } finally {
    await admin.disconnect();
  }
}
