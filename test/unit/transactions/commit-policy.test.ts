import assert from "node:assert/strict";
import { test } from "node:test";
import {
  abortBackOffMs,
  isCommitDue,
  recordFencing,
} from "../../../src/transactions/commit-policy.ts";

const limits = { commitIntervalMs: 100, stagedBytesMax: 1_000 };
const demand = {
  hasWork: true,
  stagedBytes: 10,
  urgent: false,
  lastCutAtMs: 1_000,
  notBeforeMs: 0,
};

test("R-2: a commit is due when the interval has passed, not before", () => {
  assert.equal(isCommitDue(demand, limits, 1_099), false);
  assert.equal(isCommitDue(demand, limits, 1_100), true);
});

test("R-2: a full stage and somebody who waits make a commit due at once", () => {
  assert.equal(isCommitDue({ ...demand, stagedBytes: 1_000 }, limits, 1_001), true);
  assert.equal(isCommitDue({ ...demand, urgent: true }, limits, 1_001), true);
});

test("R-2: an empty cut begins nothing", () => {
  assert.equal(isCommitDue({ ...demand, hasWork: false, urgent: true }, limits, 9_999), false);
});

test("R-8: aborts back off from 10 ms to 1 s, and nothing hurries them", () => {
  assert.deepEqual([1, 2, 3, 7, 8, 50].map(abortBackOffMs), [10, 20, 40, 640, 1_000, 1_000]);
  const early = { ...demand, urgent: true, notBeforeMs: 2_000 };
  assert.equal(isCommitDue(early, limits, 1_999), false);
});

test("R-15: three fencings within a transaction timeout mean that another process has the id", () => {
  const first = recordFencing([], 0, 10_000);
  const second = recordFencing(first.recent, 9_000, 10_000);
  assert.equal(second.contended, false);
  assert.equal(recordFencing(second.recent, 9_500, 10_000).contended, true);
  assert.equal(recordFencing(second.recent, 10_500, 10_000).contended, false);
});
