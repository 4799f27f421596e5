import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { outrigger, type Ran } from "../support/command.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import { Scene } from "../support/scene.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

const KILLER = "test/support/apps/killer.js";
const RECORDS = 10_000;
const KEYS = 50;
const POISONED = "key-7";
/** The place of the bad record in its key's line. */
const BAD_AT = 20;
const LATER = 100;

function records(from: number, count: number): Input[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `key-${(from + i) % KEYS}`,
    value: `v${from + i}`,
  }));
}

function poisoned(): Input[] {
  let seen = 0;
  return records(0, RECORDS).map((record) => {
    if (record.key !== POISONED) return record;
    seen += 1;
    return seen === BAD_AT ? { ...record, value: "park" } : record;
  });
}

interface Listed {
  readonly more: boolean;
  readonly letters: readonly {
    readonly key: string;
    readonly reason: string;
    readonly partition: number;
    readonly offset: number;
  }[];
}

for (const kind of availableBrokers()) {
  describe(`parking on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    const dlq = async (scene: Scene, args: readonly string[], crashAt = ""): Promise<Ran> =>
      await outrigger(
        [
          ...["dlq", ...args, "--application.id", scene.settings.applicationId],
          ...["--bootstrap.servers", broker.bootstrapServers],
        ],
        { OUTRIGGER_FAILPOINT: crashAt },
      );
    const done = async (scene: Scene, ...args: string[]): Promise<string> => {
      const ran = await dlq(scene, args);
      assert.equal(ran.status, 0, ran.stdout + ran.stderr);
      return ran.stdout;
    };

    test("a key waits behind its bad record while others finish; released, all is as if nothing had failed, whoever is killed: G-13", async () => {
      const scene = await Scene.make(kind.name, broker, "parking", {
        "parked.enable": "true",
        "batch.max.records": 20,
        "commit.interval.ms": 5,
        "retry.max": 0,
      });
      const input = poisoned();
      const later = records(RECORDS, LATER);
      const waiting = RECORDS / KEYS - BAD_AT + 1;
      try {
        await produce(scene.kafka, scene.input, input);
        const first = scene.startSidecar({ OUTRIGGER_FAILPOINT: "ending:10" });
        scene.startApplication(KILLER);
        assert.equal(await first.ended(), "SIGKILL", first.output);
        const second = scene.startSidecar();
        await scene.outputs(RECORDS - waiting, 120_000);

        // A successor that has to restore what waits, and an application that is mended.
        await scene.application?.kill();
        await second.kill();
        scene.wipeState();
        const third = scene.startSidecar({ OUTRIGGER_FAILPOINT: "applying:2" });
        scene.startApplication(KILLER, { OUTRIGGER_TEST_MENDED: "1" });
        const { letters, more } = JSON.parse(
          await done(scene, "list", "--parked", "--json", "--limit", "500"),
        ) as Listed;
        assert.deepEqual([letters.length, more], [waiting, false]);
        assert.ok(letters.every(({ key }) => key === POISONED));
        assert.deepEqual([letters[0]?.reason, letters[1]?.reason], ["rejected", "parked_behind"]);
        const [head] = letters;
        const shown = await done(scene, "show", "--parked", `${head?.partition}@${head?.offset}`);
        assert.match(shown, /^error {8}Park: not yet$/m);
        assert.match(shown, /^value\n {2}park$/m);

        const missing = await dlq(scene, ["release", "--key", "key-8"]);
        assert.equal(missing.status, 1, missing.stdout + missing.stderr);
        const killed = await dlq(scene, ["release", "--key", POISONED], "ending:1");
        assert.equal(killed.status, "SIGKILL", killed.stderr);
        const said = await done(scene, "release", "--key", POISONED);
        assert.match(said, new RegExp(`^asked for ${waiting} parked records of \\S+, of 1 keys`));
        // The sidecar dies in the midst of it; its successor goes on with nobody asking again.
        assert.equal(await third.ended(), "SIGKILL", third.output);
        scene.startSidecar();
        await produce(scene.kafka, scene.input, later);
        await scene.outputs(RECORDS + LATER, 120_000);
        for (const output of await scene.judge()) assertCountedOnce(output, [...input, ...later]);
        assert.match(await done(scene, "list", "--parked"), /^no such parked records of/);
      } finally {
        await scene.end();
      }
    });

    test("what is dropped has dead letters, and its key goes on without it", async () => {
      const letters = `drop-${kind.name}-letters`;
      const scene = await Scene.make(kind.name, broker, "drop", {
        "parked.enable": "true",
        "errors.dead.letter.queue.topic.name": letters,
      });
      try {
        await makeTopics(scene.kafka, [letters]);
        const bad = { key: "a", value: "park" };
        await produce(scene.kafka, scene.input, [
          bad,
          { key: "a", value: "1" },
          { key: "b", value: "1" },
        ]);
        scene.startSidecar();
        scene.startApplication(KILLER);
        await scene.outputs(1);
        const topic = ["--errors.dead.letter.queue.topic.name", letters];
        await done(scene, "release", "--all", "--drop", ...topic);
        await scene.records(letters, 2);
        await produce(scene.kafka, scene.input, [{ key: "a", value: "2" }]);
        await scene.outputs(2);
        for (const output of await scene.judge()) {
          assertCountedOnce(output, [
            { key: "b", value: "1" },
            { key: "a", value: "2" },
          ]);
        }
        const listed = JSON.parse(
          await done(scene, "list", "--json", "--topic", letters),
        ) as Listed;
        assert.deepEqual(
          listed.letters.map(({ reason }) => reason),
          ["rejected", "parked_behind"],
        );
      } finally {
        await scene.end();
      }
    });
  });
}
