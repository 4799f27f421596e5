import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as rest } from "node:timers/promises";
import { partitionOf } from "../../src/kafka/produce/murmur2.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { Scene } from "../support/scene.ts";
import { availableSdks } from "../support/sdks.ts";
import { eventually } from "../support/sidecar-process.ts";
import { Supervised } from "../support/supervised.ts";
import { type Input, produce, watch } from "../support/topics.ts";

const MIB = 1024 * 1024;
/** Of each record's value: two and a half frames. */
const VALUE_BYTES = 10 * MIB;
const RECORD_BYTES_MAX = 12 * MIB;
const PARTITIONS = 4;

/** Text that no two names share, and that no codec makes small. */
function large(name: string, bytes = VALUE_BYTES): string {
  const blocks: string[] = [];
  for (let i = 0; i < bytes / 64; i++) {
    blocks.push(createHash("sha256").update(`${name} ${i}`).digest("hex"));
  }
  return blocks.join("");
}

function partitionOfKey(key: string): number {
  const bytes = Buffer.from(key);
  return partitionOf(bytes, 0, bytes.length, PARTITIONS);
}

/** A key of the task that `first` belongs to. */
function besideFirst(): string {
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`);
  const found = keys.find((key) => partitionOfKey(key) === partitionOfKey("first"));
  return found ?? assert.fail("no key is beside it");
}

const digest = (value: Buffer | string | null): string =>
  createHash("sha256")
    .update(value ?? "")
    .digest("hex");

/** What `bulky` forwards for records of two keys. */
function forwarded(records: readonly Input[]): string[] {
  const before = new Map<string, string>();
  return records.flatMap(({ key, value }) => {
    const last = before.get(key);
    before.set(key, value);
    const own = `${key} ${digest(value)}`;
    return last === undefined ? [own] : [own, `${key} before ${digest(last)}`];
  });
}

/** Each a moment after another record is committed: while the next is on its way. */
async function killSidecars(scene: Scene, isPast: (records: number) => boolean): Promise<void> {
  for (const [i, afterMs] of [20, 60, 150].entries()) {
    await eventually(`${2 * i + 1} records`, () => isPast(2 * i + 1), scene.children, 60_000);
    await rest(afterMs);
    await scene.sidecar?.kill();
    scene.startSidecar();
  }
}

/** An application that dies at the third record that it gets, while its answer is on its way. */
const DYING = { OUTRIGGER_TEST_KILL: "3:200" };
/** Of a record that is killed on: its batch with state, and its result, are of three and four chunks. */
const KILLED_BYTES = 6 * MIB;

const sdks = availableSdks("bulky");

for (const kind of availableBrokers().filter(({ name }) => name === "kafka")) {
  describe(`on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start({ "message.max.bytes": String(RECORD_BYTES_MAX + MIB) });
    });
    after(() => broker.stop());

    for (const { name, start } of sdks) {
      test(`${name}: values above a frame go from input to state to output, and outlive the store: P-56`, async () => {
        const flags = { "producer.max.request.size": RECORD_BYTES_MAX };
        const scene = await Scene.make(kind.name, broker, `large-${name.toLowerCase()}`, flags);
        const other = besideFirst();
        const [a, b, c] = [large("a"), large("b"), large("c")];
        try {
          await produce(scene.kafka, scene.input, [{ key: "first", value: a }]);
          await produce(scene.kafka, scene.input, [{ key: other, value: b }]);
          scene.startSidecar();
          start(scene);
          await scene.outputs(3);
          // What the store holds is now the changelog's alone.
          assert.equal(await scene.sidecar?.stop(), "0");
          scene.wipeState();
          scene.startSidecar();
          await produce(scene.kafka, scene.input, [{ key: other, value: c }]);
          await scene.outputs(6);
          const expected = [
            ["first", a],
            [other, b],
            [`${other} first`, a],
            [other, c],
            [`${other} before`, b],
            [`${other} first`, a],
          ].map(([key = "", value = ""]) => `${key} ${digest(value)}`);
          for (const outputs of await scene.judge()) {
            const seen = outputs.map(({ key, value }) => `${key} ${digest(value)}`);
            assert.deepEqual(seen.sort(), expected.sort());
          }
          assert.equal(await scene.application?.stop(), "0");
          assert.equal(await scene.sidecar?.stop(), "0");
        } finally {
          await scene.end();
        }
      });
    }

    test("killed in the midst of chunks, application and sidecar lose nothing and double nothing", async () => {
      const flags = { "producer.max.request.size": RECORD_BYTES_MAX };
      const scene = await Scene.make(kind.name, broker, "large-killed", flags);
      const records = Array.from({ length: 10 }, (_, i) => ({
        key: i % 2 === 0 ? "left" : "right",
        value: large(`killed ${i}`, KILLED_BYTES),
      }));
      const expected = forwarded(records);
      const seen = await watch(scene.kafka, scene.output);
      try {
        for (const record of records) await produce(scene.kafka, scene.input, [record]);
        scene.startSidecar();
        const script = "test/support/apps/bulky.js";
        const application = new Supervised(() => scene.startApplication(script, DYING));
        await killSidecars(scene, (count) => seen.records.length >= count);
        await scene.outputs(expected.length, 120_000);
        await application.stop();
        assert.equal(await scene.sidecar?.stop(), "0");
        assert.ok(application.deaths.length >= 3, `it died ${application.deaths.length} times`);
        for (const outputs of await scene.judge()) {
          const found = outputs.map(({ key, value }) => `${key} ${digest(value)}`);
          assert.deepEqual(found.sort(), expected.sort());
        }
      } finally {
        await seen.stop();
        await scene.end();
      }
    });
  });
}
