import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { partitionOf } from "../../src/kafka/produce/murmur2.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { Scene } from "../support/scene.ts";
import { availableSdks } from "../support/sdks.ts";
import { produce } from "../support/topics.ts";

const MIB = 1024 * 1024;
/** Of each record's value: two and a half frames. */
const VALUE_BYTES = 10 * MIB;
const RECORD_BYTES_MAX = 12 * MIB;
const PARTITIONS = 4;

/** Text that no two names share, and that no codec makes small. */
function large(name: string): string {
  const blocks: string[] = [];
  for (let i = 0; i < VALUE_BYTES / 64; i++) {
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
  });
}
