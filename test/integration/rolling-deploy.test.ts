import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import { Scene } from "../support/scene.ts";
import { type Child, eventually } from "../support/sidecar-process.ts";
import { type Input, produce } from "../support/topics.ts";

const GENERATIONS = 4;
const RECORDS_EACH = 400;
const KEYS = 30;
const COUNTER = "test/support/apps/counter.js";

function inputs(generation: number): Input[] {
  return Array.from({ length: RECORDS_EACH }, (_, i) => {
    return { key: `key-${i % KEYS}`, value: `g${generation} v${i}` };
  });
}

function times(text: string, output: string): number {
  return output.split(text).length - 1;
}

for (const kind of availableBrokers().slice(-1)) {
  describe(`on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("versions of an application follow each other at one sidecar, without a retry or an abort", async () => {
      const scene = await Scene.make(kind.name, broker, "rolling");
      try {
        const sidecar = scene.startSidecar();
        let former: Child | null = null;
        let sent = 0;
        for (let generation = 0; generation < GENERATIONS; generation++) {
          const next = scene.startApplication(COUNTER);
          await eventually(
            `version ${generation} to serve`,
            () => times("worker connected", sidecar.output) > generation,
            scene.children,
          );
          // Both serve, and records flow, while the former is asked to stop.
          const flowing = produce(scene.kafka, scene.input, inputs(generation));
          if (former !== null) assert.equal(await former.stop(), "0");
          await flowing;
          sent += RECORDS_EACH;
          await scene.outputs(sent);
          former = next;
        }
        const all = Array.from({ length: GENERATIONS }, (_, i) => inputs(i)).flat();
        for (const output of await scene.judge()) assertCountedOnce(output, all);
        for (const trouble of ["tried again", "aborted", "worker was lost", "membership lost"]) {
          assert.equal(times(trouble, sidecar.output), 0, `"${trouble}" in\n${sidecar.output}`);
        }
      } finally {
        await scene.end();
      }
    });

    test("a version with another topology is refused, with both hashes; the others go on", async () => {
      const scene = await Scene.make(kind.name, broker, "rolling-other");
      try {
        const sidecar = scene.startSidecar();
        scene.startApplication(COUNTER);
        const connected = (): boolean => sidecar.output.includes("worker connected");
        await eventually("a worker", connected, scene.children);
        const other = scene.startApplication("test/support/apps/copy.js");
        assert.equal(await other.ended(), "1");
        assert.match(other.output, /TOPOLOGY_MISMATCH.*declares topology \S+, but .* runs \S+:/s);
        const records = inputs(0);
        await produce(scene.kafka, scene.input, records);
        await scene.outputs(records.length);
        for (const output of await scene.judge()) assertCountedOnce(output, records);
      } finally {
        await scene.end();
      }
    });
  });
}
