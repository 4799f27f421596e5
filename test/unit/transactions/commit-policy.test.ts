import assert from "node:assert/strict";
import { test } from "node:test";
import {
  abortBackOffMs,
  commitDueAtMs,
  recordFencing,
} from "../../../src/transactions/commit-policy.ts";

const limits = { commitIntervalMs: 100, stagedBytesMax: 1_000 };
const demand = {
  hasWork: true,
  stagedBytes: 10,
  urgent: false,
  awaited: false,
  lastCutAtMs: 1_000,
  lastEndAtMs: 1_010,
  notBeforeMs: 0,
};

test("R-2: a commit is due when the interval has passed", () => {
  assert.equal(commitDueAtMs(demand, limits), 1_100);
});

test("R-2: batches that workers have are waited for, for a thirty-second of the interval", () => {
  assert.equal(commitDueAtMs({ ...demand, awaited: true }, limits), 1_103.125);
  const short = { ...limits, commitIntervalMs: 31 };
  assert.equal(commitDueAtMs({ ...demand, awaited: true }, short), 1_031);
});

test("R-2: behind a commit that took long there is a pause of half an interval, or 5 ms", () => {
  assert.equal(commitDueAtMs({ ...demand, lastEndAtMs: 1_300 }, limits), 1_305);
  const short = { ...limits, commitIntervalMs: 4 };
  assert.equal(commitDueAtMs(demand, short), 1_012);
});

test("R-2: a full stage and somebody who waits make a commit due at once", () => {
  const busy = { ...demand, awaited: true, lastEndAtMs: 1_300 };
  assert.equal(commitDueAtMs({ ...busy, stagedBytes: 1_000 }, limits), 0);
  assert.equal(commitDueAtMs({ ...busy, urgent: true }, limits), 0);
});

test("R-2: an empty cut begins nothing", () => {
  const empty = { ...demand, hasWork: false, urgent: true };
  assert.equal(commitDueAtMs(empty, limits), Number.POSITIVE_INFINITY);
});

test("R-8: aborts back off from 10 ms to 1 s, and nothing hurries them", () => {
  assert.deepEqual([1, 2, 3, 7, 8, 50].map(abortBackOffMs), [10, 20, 40, 640, 1_000, 1_000]);
  const early = { ...demand, notBeforeMs: 2_000 };
  assert.equal(commitDueAtMs(early, limits), 2_000);
  assert.equal(commitDueAtMs({ ...early, urgent: true }, limits), 2_000);
});

test("R-15: three fencings within a transaction timeout mean that another process has the id", () => {
  const first = recordFencing([], 0, 10_000);
  const second = recordFencing(first.recent, 9_000, 10_000);
  assert.equal(second.contended, false);
  assert.equal(recordFencing(second.recent, 9_500, 10_000).contended, true);
  assert.equal(recordFencing(second.recent, 10_500, 10_000).contended, false);
});
