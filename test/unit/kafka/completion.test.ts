import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { eventually } from "../../support/sidecar-process.ts";
import { API, type Scene, type Script, transact, withProducer } from "./scripted-transactions.ts";

const { produce, transactions, endTxn } = API;
/** However slow the machine is. */
const ALWAYS = { completionAskedMs: 60_000, completionWaitMaxMs: 60_000 };

const COMPLETE: Script = { states: ["CompleteCommit"], openEpoch: null, limits: ALWAYS };

async function commit({ producer }: Scene): Promise<void> {
  assert.equal(await transact(producer), "acked");
  assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
}

const SEEN: readonly number[] = [produce, transactions, endTxn];

function of(asked: readonly number[]): number[] {
  return asked.filter((key) => SEEN.includes(key));
}

test("the first batch of a transaction that follows soon leaves when the last one is complete", () => {
  const states = ["PrepareCommit", "PrepareCommit", "CompleteCommit"];
  return withProducer({ ...COMPLETE, states }, async (scene) => {
    await commit(scene);
    await commit(scene);
    const { asked } = scene;
    const asks = [transactions, transactions, transactions];
    assert.deepEqual(of(asked), [produce, endTxn, ...asks, produce, endTxn]);
  });
});

test("where one follows the other, the coordinator is asked meanwhile", () =>
  withProducer(COMPLETE, async (scene) => {
    const { asked, producer } = scene;
    await commit(scene);
    await commit(scene);
    asked.length = 0;
    await eventually("the coordinator to be asked", () => asked.includes(transactions));
    assert.equal(await transact(producer), "acked");
    assert.deepEqual(of(asked), [transactions, produce]);
  }));

test("one that follows later asks nothing, and is asked about by nobody", () =>
  withProducer({ ...COMPLETE, limits: { completionAskedMs: 5 } }, async (scene) => {
    for (let times = 0; times < 2; times++) {
      await commit(scene);
      const untilMs = performance.now() + 10;
      await eventually("some time to pass", () => performance.now() >= untilMs);
    }
    assert.deepEqual(of(scene.asked), [produce, endTxn, produce, endTxn]);
  }));

test("a coordinator that is never done holds nothing up for long", () => {
  const limits = { ...ALWAYS, completionWaitMaxMs: 40 };
  return withProducer({ ...COMPLETE, states: ["PrepareCommit"], limits }, async (scene) => {
    await commit(scene);
    const fromMs = performance.now();
    assert.equal(await transact(scene.producer), "acked");
    assert.ok(performance.now() - fromMs >= 38, "so long it is asked");
    assert.ok(scene.asked.includes(transactions));
  });
});

for (const [why, script, times] of [
  ["a broker that cannot tell is not asked", { without: transactions }, 0],
  [
    "one that may not tell us is asked once",
    { telling: ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
    1,
  ],
  ["one that moves is asked again for the next transaction", { telling: ERROR.NOT_COORDINATOR }, 3],
] as const) {
  test(`${why}, and batches are sent`, () =>
    withProducer({ ...COMPLETE, ...script }, async (scene) => {
      for (let count = 0; count < 3; count++) await commit(scene);
      assert.equal(await transact(scene.producer), "acked");
      assert.equal(scene.asked.filter((key) => key === transactions).length, times);
    }));
}

test("a producer that is closed asks no more", () =>
  withProducer({ ...COMPLETE, states: ["PrepareCommit"] }, async (scene) => {
    await commit(scene);
    const sent = transact(scene.producer);
    await eventually("the coordinator to be asked", () => scene.asked.includes(transactions));
    const count = scene.asked.length;
    await scene.producer.close();
    assert.equal(await sent, "abortable");
    assert.ok(scene.asked.length - count <= 1, "what was under way");
  }));
