import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { produce, watch } from "../support/topics.ts";

const COUNTER = "test/support/apps/counter.js";
/** what a user may rely on after `kill -9` and a start on the same directory. */
const FIRST_RECORD_MS = 2_000;

for (const kind of availableBrokers()) {
  describe(`restart on ${kind.name}, at the broker's default settings`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("R-15: after SIGKILL the first record is processed within 2 s", async () => {
      const scene = await Scene.make(kind.name, broker, "restart");
      const seen = await watch(scene.kafka, scene.output);
      try {
        await produce(scene.kafka, scene.input, [{ key: "a", value: "one" }]);
        const first = scene.startSidecar();
        scene.startApplication(COUNTER);
        await eventually("the first output", () => seen.records.length === 1, scene.children);
        await first.kill();
        await produce(scene.kafka, scene.input, [{ key: "a", value: "two" }]);
        const startedAt = performance.now();
        scene.startSidecar();
        await eventually("the second output", () => seen.records.length === 2, scene.children);
        const tookMs = performance.now() - startedAt;
        process.stdout.write(
          `${kind.name}: first record ${Math.round(tookMs)} ms after the start\n`,
        );
        assert.ok(tookMs < FIRST_RECORD_MS, `it took ${Math.round(tookMs)} ms`);
        assert.equal(String(seen.records[1]?.value), "2 two");
      } finally {
        await seen.stop();
        await scene.end();
      }
    });

    test("a clean stop leaves the group, and nothing is processed twice", async () => {
      const scene = await Scene.make(kind.name, broker, "drain");
      const input = Array.from({ length: 300 }, (_, i) => ({ key: `k${i % 7}`, value: `v${i}` }));
      const seen = await watch(scene.kafka, scene.output);
      try {
        await produce(scene.kafka, scene.input, input);
        const first = scene.startSidecar();
        scene.startApplication(COUNTER);
        await eventually("some outputs", () => seen.records.length > 0, scene.children);
        assert.equal(await first.stop(), "0", first.output);
        scene.startSidecar();
        await eventually("all outputs", () => seen.records.length >= input.length, scene.children);
        for (const output of await scene.judge()) assert.equal(output.length, input.length);
      } finally {
        await seen.stop();
        await scene.end();
      }
    });
  });
}
