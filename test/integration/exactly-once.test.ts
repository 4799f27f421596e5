import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { valuesOf } from "../../src/model/value-columns.ts";
import { openStateDirectory } from "../../src/stores/directory.ts";
import { keySet } from "../contract/store.contract.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { assertCountedOnce } from "../support/counted-once.ts";
import { Scene } from "../support/scene.ts";
import { type Input, produce } from "../support/topics.ts";

const RECORDS = 2_400;
const KEYS = 30;
const COUNTER = "test/support/apps/counter.js";
/** Small batches and quick commits, so that every kill falls among many. */
const FLAGS = { "batch.max.records": 20, "commit.interval.ms": 10 };

const input: readonly Input[] = Array.from({ length: RECORDS }, (_, i) => ({
  key: `key-${i % KEYS}`,
  value: `v${i}`,
}));

/** The store on disk must be the fold of its changelog, as a client that is not ours read it. */
async function assertStoreIsFold(scene: Scene): Promise<void> {
  const changelog = `${scene.settings.applicationId}-counts-changelog`;
  const [judged = []] = await scene.judge([changelog]);
  const path = join(scene.settings.stateDir, scene.settings.applicationId);
  const directory = await openStateDirectory(path, {
    processId: null,
    memoryBytesMax: 64 * 1024 * 1024,
    onCorrupted: () => assert.fail("a store is corrupted"),
  });
  const stores = [{ name: "counts", kind: "keyValue", changelogTopic: changelog }] as const;
  let compared = 0;
  for (let partition = 0; partition < 4; partition++) {
    const fold = new Map<string, string | null>();
    for (const { partition: at, key, value } of judged) {
      if (at === partition) fold.set(String(key), value?.toString("hex") ?? null);
    }
    const state = await directory.openTask(`0_${partition}`, stores);
    const found = valuesOf(await state.read(0, keySet([...fold.keys()]), "staged"));
    assert.deepEqual(
      found.map((value) => value?.toString("hex") ?? null),
      [...fold.values()],
    );
    compared += fold.size;
    await state.close();
  }
  await directory.close();
  assert.equal(compared, KEYS);
}

for (const kind of availableBrokers()) {
  describe(`on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      // A directory that was wiped has forgotten its member: it must time out first.
      broker = await kind.start({
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.min.session.timeout.ms": "6000",
      });
    });
    after(() => broker.stop());

    for (const moment of ["before:1", "before:311", "between:315", "after:320", "later:340"]) {
      test(`the application is killed ${moment}: nothing is lost, nothing doubled`, async () => {
        const scene = await Scene.make(kind.name, broker, "app-killed", FLAGS);
        try {
          await produce(scene.kafka, scene.input, input);
          scene.startSidecar();
          const first = scene.startApplication(COUNTER, { OUTRIGGER_TEST_KILL: moment });
          assert.equal(await first.ended(), "SIGKILL");
          scene.startApplication(COUNTER);
          await scene.outputs(RECORDS);
          for (const output of await scene.judge()) assertCountedOnce(output, input);
        } finally {
          await scene.end();
        }
      });
    }

    // Each state of the commit's machine: before Produce, between the acknowledgements and
    // TxnOffsetCommit, between TxnOffsetCommit and EndTxn, between EndTxn and the store's write.
    for (const state of ["producing", "sendingOffsets", "ending", "applying"]) {
      test(`the sidecar is killed at ${state}: nothing is lost, nothing doubled`, async () => {
        // The start positions are one commit, and three are of records.
        const scene = await Scene.make(kind.name, broker, "sidecar-killed", FLAGS);
        try {
          await produce(scene.kafka, scene.input, input);
          const first = scene.startSidecar({ OUTRIGGER_FAILPOINT: `${state}:4` });
          scene.startApplication(COUNTER);
          assert.equal(await first.ended(), "SIGKILL");
          const second = scene.startSidecar();
          await scene.outputs(RECORDS);
          for (const output of await scene.judge()) assertCountedOnce(output, input);
          assert.equal(await second.stop(), "0", second.output);
          await assertStoreIsFold(scene);
        } finally {
          await scene.end();
        }
      });
    }

    test("state restored into an empty directory goes on where it was", async () => {
      const scene = await Scene.make(kind.name, broker, "wiped", FLAGS);
      const half = input.slice(0, RECORDS / 2);
      try {
        await produce(scene.kafka, scene.input, half);
        const first = scene.startSidecar();
        scene.startApplication(COUNTER);
        await scene.outputs(half.length);
        await first.kill();
        scene.wipeState();
        await produce(scene.kafka, scene.input, input.slice(half.length));
        const second = scene.startSidecar();
        await scene.outputs(RECORDS);
        for (const output of await scene.judge()) assertCountedOnce(output, input);
        assert.equal(await second.stop(), "0", second.output);
        await assertStoreIsFold(scene);
      } finally {
        await scene.end();
      }
    });
  });
}
