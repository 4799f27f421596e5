import assert from "node:assert/strict";
import { test } from "node:test";
import { planRestore, type RestoreFacts } from "../../../src/tasks/restoration.ts";

const HOUR_MS = 3_600_000;

const facts: RestoreFacts = {
  topicId: "t1",
  logStart: 0,
  logEnd: 100,
  local: { topicId: "t1", position: 90 },
  localHasLastCut: false,
  localCaughtUpAtMs: 1_000,
  wallMs: 2_000,
  deleteRetentionMs: 24 * HOUR_MS,
  hasCommitted: true,
  committed: { topicId: "t1", end: 95 },
};

test("R-9: a store is restored from its position to the log's end", () => {
  assert.deepEqual(planRestore(facts), { kind: "restore", wipe: "no", from: 90, target: 100 });
});

test("R-9: a changelog that ends before what was committed stops the task", () => {
  assert.equal(planRestore({ ...facts, logEnd: 94 }).kind, "stateLost");
});

test("R-10: a changelog that was made anew stops the task when state was committed to the old", () => {
  assert.equal(planRestore({ ...facts, topicId: "t2" }).kind, "stateLost");
});

test("R-10: a store of another topic is wiped where the changelog can rebuild it", () => {
  const plan = planRestore({ ...facts, local: { topicId: "t0", position: 5 } });
  assert.deepEqual(plan, { kind: "restore", wipe: "otherTopic", from: 0, target: 100 });
});

test("R-10: a position beyond the end is wiped", () => {
  const plan = planRestore({ ...facts, local: { topicId: "t1", position: 101 } });
  assert.equal(plan.kind === "restore" && plan.wipe, "beyondEnd");
});

test("R-10: a store away for half of delete.retention.ms is wiped, or a key would come back", () => {
  const just = planRestore({ ...facts, wallMs: 1_000 + 12 * HOUR_MS });
  assert.equal(just.kind === "restore" && just.wipe, "no");
  const late = planRestore({ ...facts, wallMs: 1_001 + 12 * HOUR_MS });
  assert.equal(late.kind === "restore" && late.wipe, "tooOld");
});

test("R-10: a wall clock that went back counts as too old", () => {
  const plan = planRestore({ ...facts, wallMs: 999 });
  assert.equal(plan.kind === "restore" && plan.wipe, "clockWentBack");
});

test("R-10: a position before the log's start is wiped and restored from the start", () => {
  const plan = planRestore({ ...facts, logStart: 91 });
  assert.deepEqual(plan, { kind: "restore", wipe: "beforeStart", from: 91, target: 100 });
});

test("R-10: a log cut behind the last cut's marker keeps the store that has that cut", () => {
  const cut = { ...facts, logStart: 100, local: { topicId: "t1", position: 99 } };
  const kept = planRestore({ ...cut, localHasLastCut: true });
  assert.deepEqual(kept, { kind: "restore", wipe: "no", from: 100, target: 100 });
  assert.equal(planRestore(cut).kind, "stateLost");
});

test("R-9: a log that begins behind all that was committed cannot rebuild a store", () => {
  const plan = planRestore({ ...facts, logStart: 95, local: null });
  assert.equal(plan.kind, "stateLost");
  assert.equal(planRestore({ ...facts, logStart: 94, local: null }).kind, "restore");
  const nothing = planRestore({ ...facts, logStart: 94, committed: null, local: null });
  assert.equal(nothing.kind, "restore");
});

test("R-9: no committed offset while the changelog has records stops, never starts from nowhere", () => {
  const plan = planRestore({ ...facts, hasCommitted: false, committed: null });
  assert.equal(plan.kind, "offsetsLost");
});

test("R-9: no committed offset while the local store has a position stops too", () => {
  const plan = planRestore({ ...facts, hasCommitted: false, committed: null, logEnd: 0 });
  assert.equal(plan.kind, "offsetsLost");
});

test("a first start restores nothing", () => {
  const first = { ...facts, hasCommitted: false, committed: null, logEnd: 0, local: null };
  assert.deepEqual(planRestore(first), { kind: "restore", wipe: "no", from: 0, target: 0 });
});
