import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { produce, watch } from "../support/topics.ts";

const COUNTER = "test/support/apps/counter.js";
const FLAGS = { "batch.max.records": 20, "commit.interval.ms": 20 };
const KEYS = 40;
const PART = 800;

const input = Array.from({ length: 3 * PART }, (_, i) => ({
  key: `key-${i % KEYS}`,
  value: `v${i}`,
}));

for (const kind of availableBrokers()) {
  describe(`two sidecars of one application on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("one joins and takes partitions over, the other leaves: nothing lost or doubled", async () => {
      const scene = await Scene.make(kind.name, broker, "rebalance", FLAGS);
      const seen = await watch(scene.kafka, scene.output);
      try {
        await produce(scene.kafka, scene.input, input.slice(0, PART));
        const first = scene.startSidecar();
        scene.startApplication(COUNTER);
        await eventually("some outputs", () => seen.records.length > 0, scene.children);
        const second = scene.startSecond(COUNTER);
        await produce(scene.kafka, scene.input, input.slice(PART, 2 * PART));
        // partitions move only after their last commit was made by who had them.
        const moved = (): boolean => second.sidecar.output.includes("task taken over");
        await eventually("a partition to move", moved, scene.children);
        await eventually("two parts", () => seen.records.length >= 2 * PART, scene.children);
        assert.equal(await first.stop(), "0", first.output);
        await produce(scene.kafka, scene.input, input.slice(2 * PART));
        await eventually("all", () => seen.records.length >= input.length, scene.children);
        for (const output of await scene.judge()) assertCountedOnce(output, input);
        assert.ok(
          !/aborted/.test(first.output + second.sidecar.output),
          "a healthy move aborts nothing",
        );
      } finally {
        await seen.stop();
        await scene.end();
      }
    });
  });
}
