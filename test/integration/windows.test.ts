import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { departureMs, expectedByDay, loadFlights } from "../../demo/flights.ts";
import { verifyDepartures } from "../../demo/verify.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, produce } from "../support/topics.ts";

const flights = loadFlights().slice(0, 2_000);
const input = flights.map((flight) => ({
  key: flight.origin,
  value: JSON.stringify(flight),
  timestamp: departureMs(flight),
}));
const FIVE_MINUTES_MS = 300_000;

/** What the yardstick's outputs must be: every count of every window, once, in order. */
function expectedCounts(): Map<string, string[]> {
  const counts = new Map<string, string[]>();
  for (const flight of flights) {
    const start = Math.floor(departureMs(flight) / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
    const key = `${flight.origin}@${start}`;
    const list = counts.get(key) ?? [];
    list.push(String(list.length + 1));
    counts.set(key, list);
  }
  return counts;
}

function byKey(output: readonly JudgedRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { key, value } of output) {
    const list = found.get(String(key)) ?? [];
    list.push(String(value));
    found.set(String(key), list);
  }
  return found;
}

for (const kind of availableBrokers()) {
  describe(`windows on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start({
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.min.session.timeout.ms": "6000",
      });
    });
    after(() => broker.stop());

    test("the yardstick: group by key, count in 5-minute windows, map, to", async () => {
      const scene = await Scene.make(kind.name, broker, "yardstick", { "batch.max.records": 50 });
      try {
        await produce(scene.kafka, scene.input, input);
        scene.startSidecar();
        const first = scene.startApplication("test/support/apps/yardstick.js");
        await scene.outputs(1);
        // Built-in counts run ahead of the hop: a crash of the application must not show.
        await first.kill();
        scene.startApplication("test/support/apps/yardstick.js");
        await scene.outputs(flights.length);
        for (const output of await scene.judge()) assert.deepEqual(byKey(output), expectedCounts());
      } finally {
        await scene.end();
      }
    });

    test("data of 2001 survive a wipe of the state directory while the broker retains", async () => {
      const scene = await Scene.make(kind.name, broker, "data-of-2001");
      const half = input.length / 2;
      try {
        await produce(scene.kafka, scene.input, input.slice(0, half));
        const first = scene.startSidecar();
        scene.startApplication("test/support/apps/departures.js");
        await scene.outputs(half);
        if (kind.name === "kafka") await retentionHasRun(broker, scene);
        await first.kill();
        scene.wipeState();
        await produce(scene.kafka, scene.input, input.slice(half));
        scene.startSidecar();
        await scene.outputs(input.length);
        for (const output of await scene.judge()) {
          const records = output.map(({ partition, key, value }) => ({
            partition,
            key: String(key),
            value: String(value),
          }));
          const verdict = verifyDepartures(records, expectedByDay(flights));
          assert.deepEqual(verdict.faults, []);
          assert.deepEqual([verdict.lost, verdict.doubled], [0, 0]);
        }
      } finally {
        await scene.end();
      }
    });
  });
}

/** Until the broker has deleted records of 2001 from a topic with ordinary retention. */
async function retentionHasRun(broker: Broker, scene: Scene): Promise<void> {
  const kafka = kafkaAt(broker.bootstrapServers);
  const topic = `${scene.input}-retained`;
  await makeTopics(kafka, [topic], { "retention.ms": "1000" });
  await produce(kafka, topic, input.slice(0, 100));
  const admin = kafka.admin();
  await admin.connect();
  await eventually("retention on the broker", async () => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.some(({ low }) => Number(low) > 0);
  });
  await admin.disconnect();
}
