import assert from "node:assert/strict";
import { test } from "node:test";
import { javaHash } from "../../../src/kafka/produce/markers.ts";
import { ERROR } from "../../../src/kafka/protocol/error-codes.ts";
import { eventually } from "../../support/sidecar-process.ts";
import { API, PID, RECORD, transact, withProducer } from "./scripted-transactions.ts";

test("are looked for nowhere while no connection is lost", () =>
  withProducer({ states: ["CompleteCommit"], openEpoch: 1 }, async ({ producer, asked }) => {
    for (let times = 0; times < 3; times++) {
      assert.equal(await transact(producer), "acked");
      assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    }
    assert(!asked.includes(API.producers));
  }));

for (const outcome of ["commit", "abort"] as const) {
  const states = ["PrepareCommit", outcome === "commit" ? "CompleteCommit" : "CompleteAbort"];
  test(`of a lost ${outcome} are written once the transaction is complete, before anything else`, () =>
    withProducer({ states, openEpoch: 1 }, async ({ producer, asked, written, hangUp }) => {
      assert.equal(await transact(producer), "acked");
      assert.deepEqual(await producer.end(outcome, "first"), { kind: "ended" });
      asked.length = 0;
      hangUp();
      await eventually("the loss to be noticed", () => asked.includes(API.transactions));
      assert.equal(await transact(producer), "acked");
      assert.deepEqual(written, [`${PID}/1 ${outcome}`]);
      assert(asked.indexOf(API.markers) < asked.indexOf(API.produce));
    }));
}

test("of a transaction that came after are left alone", () =>
  withProducer(
    { states: ["CompleteCommit"], openEpoch: 2 },
    async ({ producer, asked, written, hangUp }) => {
      assert.equal(await transact(producer), "acked");
      assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
      hangUp();
      await eventually("the producers to be asked for", () => asked.includes(API.producers));
      assert.equal(await transact(producer), "acked");
      assert.deepEqual(written, []);
    },
  ));

test("that may not be written end the process, and nothing is written over them", () =>
  withProducer(
    { states: ["CompleteCommit"], openEpoch: 1, writing: ERROR.CLUSTER_AUTHORIZATION_FAILED },
    async ({ producer, asked, hangUp }) => {
      assert.equal(await transact(producer), "acked");
      assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
      asked.length = 0;
      hangUp();
      await eventually("the loss to be noticed", () => asked.includes(API.markers));
      const cut = producer.begin();
      cut.append(RECORD);
      const verdict = await producer.produce(cut);
      assert(verdict.kind === "fatal");
      assert.equal(verdict.error.code, "TRANSACTION_MARKERS_LOST");
      assert.match(verdict.error.message, /commit.*out-0.*CLUSTER_AUTHORIZATION_FAILED.*ALTER/);
      assert(!asked.includes(API.produce));
    },
  ));

test("that may not be looked for are said once, and work goes on", () =>
  withProducer(
    { states: ["CompleteCommit"], openEpoch: 1, describing: ERROR.TOPIC_AUTHORIZATION_FAILED },
    async ({ producer, asked, said, hangUp }) => {
      for (let times = 0; times < 2; times++) {
        assert.equal(await transact(producer), "acked");
        assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
        asked.length = 0;
        hangUp();
        await eventually("the loss to be noticed", () => asked.includes(API.producers));
      }
      assert.equal(await transact(producer), "acked");
      assert.equal(said.filter((line) => line.includes("grant READ")).length, 1);
    },
  ));

test("while the coordinator does not say that they are written, the cut is tried again", () =>
  withProducer({ states: ["PrepareCommit"], openEpoch: 1 }, async ({ producer, asked, hangUp }) => {
    assert.equal(await transact(producer), "acked");
    assert.deepEqual(await producer.end("commit", "first"), { kind: "ended" });
    asked.length = 0;
    hangUp();
    await eventually("the loss to be noticed", () => asked.includes(API.transactions));
    assert.equal(await transact(producer), "abortable");
    assert(!asked.includes(API.produce));
  }));

test("a group's offsets are in the partition that Java's hash of its name says", () => {
  // `Utils.abs("…".hashCode())` of Java.
  assert.equal(javaHash("flights"), 771_814_909);
  assert.equal(javaHash("my-application"), 1_640_299_857);
  assert.equal(javaHash("payments"), 1_382_682_413);
  assert.equal(javaHash("polygenelubricants"), 0);
  assert.equal(javaHash(""), 0);
});
