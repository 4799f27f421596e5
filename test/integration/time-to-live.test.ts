import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { makeTopics, produce, watch } from "../support/topics.ts";

const TTL_MS = 10_000;
const RECORDS = 4_000;
/** Of today: no broker finds them too old, or from the future. */
const SINCE_MS = Date.now() - 3_600_000;

/** Keys of which some come again and again, and others too late; times that mostly rise. */
function input(): { key: string; value: string; timestamp: number }[] {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: RECORDS }, (_, index) => {
    const key = random(3) === 0 ? `often-${random(20)}` : `rarely-${random(400)}`;
    return { key, value: `${index}`, timestamp: SINCE_MS + index * 40 - random(2_000) };
  });
}

interface Entry {
  readonly count: number;
  readonly timestamp: number;
}

/** What one partition must lead to, one record after the other. */
function expectedOf(records: readonly JudgedRecord[]) {
  const entries = new Map<string, Entry>();
  let streamTime = Number.NEGATIVE_INFINITY;
  const isLive = ({ timestamp }: Entry): boolean => timestamp + TTL_MS > streamTime;
  let gone = 0;
  const outputs = records.map(({ key, timestamp }) => {
    const name = String(key);
    streamTime = Math.max(streamTime, timestamp);
    const found = entries.get(name);
    if (found !== undefined && !isLive(found)) gone += 1;
    const count = found !== undefined && isLive(found) ? found.count + 1 : 1;
    entries.set(name, { count, timestamp });
    return `${name}=${count}`;
  });
  return { outputs, gone, live: new Map([...entries].filter(([, entry]) => isLive(entry))) };
}

const textOf = ({ key, value }: JudgedRecord): string => `${key}=${value?.readBigInt64BE(0)}`;

function ofPartition(records: readonly JudgedRecord[], partition: number): JudgedRecord[] {
  return records
    .filter((record) => record.partition === partition)
    .sort((left, right) => left.offset - right.offset);
}

for (const kind of availableBrokers().filter(({ name }) => name === "kafka")) {
  describe(`entries that live for a time, on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("are gone by stream time alone, exactly once, through SIGKILL and a lost disk", async () => {
      const scene = await Scene.make(kind.name, broker, "mortal");
      const odd = `${scene.output}-odd`;
      const changelog = `${scene.settings.applicationId}-seen-changelog`;
      await makeTopics(scene.kafka, [odd]);
      const seen = await watch(scene.kafka, scene.output);
      const seenOdd = await watch(scene.kafka, odd);
      const seenIn = (): number => seen.records.length + seenOdd.records.length;
      try {
        scene.startApplication("test/support/apps/mortal.js");
        const all = input();
        for (let round = 0; round < 4; round++) {
          const sidecar = scene.startSidecar();
          const before = seenIn();
          await produce(scene.kafka, scene.input, all.slice(round * 1_000, (round + 1) * 1_000));
          const until = round === 3 ? RECORDS : before + 300;
          await eventually(`${until} outputs`, () => seenIn() >= until, scene.children, 90_000);
          if (round === 3) continue;
          await sidecar.kill();
          if (round === 1) scene.wipeState();
        }
        const judged = await scene.judge([scene.input, scene.output, odd]);
        for (const records of judged) {
          let gone = 0;
          for (let partition = 0; partition < 4; partition++) {
            const of = (topic: string): JudgedRecord[] =>
              ofPartition(
                records.filter((record) => record.topic === topic),
                partition,
              );
            const expected = expectedOf(of(scene.input));
            gone += expected.gone;
            const isOdd = (text: string): boolean => Number(text.split("=")[1]) % 2 === 1;
            const even = expected.outputs.filter((text) => !isOdd(text));
            assert.deepEqual(of(scene.output).map(textOf), even, `partition ${partition}`);
            assert.deepEqual(of(odd).map(textOf), expected.outputs.filter(isOdd));
          }
          assert.ok(gone > 100, `${gone} records met an entry that was gone`);
        }
        await eventuallyDeleted(scene, changelog);
      } finally {
        await seen.stop();
        await seenOdd.stop();
        await scene.end();
      }
    });
  });
}

/** The last of each key: the value alone, under its timestamp, and none of what is gone. */
async function eventuallyDeleted(scene: Scene, changelog: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const judged = await scene.judge([scene.input, changelog]);
    try {
      for (const records of judged) {
        for (let partition = 0; partition < 4; partition++) {
          const of = (topic: string): JudgedRecord[] =>
            ofPartition(
              records.filter((record) => record.topic === topic),
              partition,
            );
          const last = new Map(of(changelog).map((record) => [String(record.key), record]));
          const kept = [...last.values()].filter(({ value }) => value !== null);
          const { live } = expectedOf(of(scene.input));
          assert.deepEqual(
            kept.map((record) => [textOf(record), record.timestamp]).sort(),
            [...live].map(([key, { count, timestamp }]) => [`${key}=${count}`, timestamp]).sort(),
          );
        }
      }
      return;
    } catch (error: unknown) {
      if (performance.now() > deadline) throw error;
    }
  }
}
