import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailurePolicy } from "../../../src/model/failure.ts";
import { deadLetterHeaders } from "../../../src/tasks/dead-letter.ts";
import { decide, lastResort, retryDelayMs } from "../../../src/tasks/failure-policy.ts";

const policy: FailurePolicy = {
  retryMax: 2,
  initialMs: 100,
  factor: 2,
  maxDelayMs: 1_000,
  jitter: 0.5,
  exhausted: null,
};
const byPolicy = { kind: "policy" } as const;

test("pauses grow by the factor up to the longest, less a share that is left to chance", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 40].map((failures) => retryDelayMs(policy, failures, 0)),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  assert.equal(retryDelayMs(policy, 1, 0.999_999) >= 50, true);
  assert.equal(retryDelayMs({ ...policy, jitter: 0 }, 2, 0.7), 200);
});

test("a record is tried again as often as the policy says, then given up where there is a place", () => {
  assert.deepEqual(
    [1, 2, 3].map((failures) => decide(policy, byPolicy, failures, true)),
    ["retry", "retry", "dlq"],
  );
  assert.equal(decide(policy, byPolicy, 3, false), "fail");
  assert.equal(decide({ ...policy, exhausted: "skip" }, byPolicy, 3, true), "skip");
  assert.equal(lastResort({ ...policy, exhausted: "fail" }, true), "fail");
});

test("what the application says of its record comes first", () => {
  assert.equal(decide(policy, { kind: "deadLetter" }, 1, true), "dlq");
  assert.equal(decide(policy, { kind: "deadLetter" }, 1, false), "fail");
  assert.equal(decide({ ...policy, exhausted: "skip" }, { kind: "fail" }, 1, true), "fail");
  assert.equal(decide(policy, { kind: "retry", afterMs: 5 }, 2, true), "retry");
  assert.equal(decide(policy, { kind: "retry", afterMs: 5 }, 3, true), "dlq", "not for ever");
});

test("a dead letter near the limit loses its stack first, then its message, never its origin", () => {
  const cause = {
    topic: "in",
    partition: 3,
    offset: 42,
    timestamp: 7,
    applicationId: "app",
    task: "0_3",
    node: "code",
    type: "Error",
    message: "m".repeat(1_000),
    stack: "s".repeat(2_000),
    reason: "rejected",
    attempts: 1,
  } as const;
  const namesWithin = (bytes: number): string[] =>
    deadLetterHeaders(cause, bytes).map(([name]) => name.replace("__streams.errors.", ""));
  assert.ok(namesWithin(100_000).includes("stacktrace"));
  const tight = namesWithin(5_000);
  assert.deepEqual([tight.includes("message"), tight.includes("stacktrace")], [true, false]);
  const least = namesWithin(0);
  assert.deepEqual(
    ["topic", "partition", "offset", "exception"].map((name) => least.includes(name)),
    [true, true, true, true],
  );
  assert.ok(!least.includes("message"));
});
