import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, isRetriable, retrying } from "../../../src/kafka/network/retry.ts";

const LIMITS = { retryBackoffMs: 1, retryBackoffMaxMs: 1 };

test("a wait that runs out of time is a broker that is away, and may be tried again", async () => {
  const forEver = new Promise<never>(() => {});
  await assert.rejects(
    retrying(LIMITS, AbortSignal.timeout(1), () => forEver),
    (error: unknown) => isRetriable(error) && error.code === "BROKER_UNAVAILABLE",
  );
  await assert.rejects(
    retrying(LIMITS, AbortSignal.abort(), () => forEver),
    isRetriable,
  );
});

test("waits grow by their factor up to the last, each with a fifth of jitter", () => {
  const limits = { retryBackoffMs: 1, retryBackoffMaxMs: 5 };
  for (const [factor, expected] of [
    [undefined, [1, 2, 4, 5, 5]],
    [1.5, [1, 1.5, 2.25, 3.375, 5]],
  ] as const) {
    const backoff = new Backoff(factor === undefined ? limits : { ...limits, factor });
    for (const ms of expected) {
      const wait = backoff.next();
      assert.ok(wait >= ms * 0.8 && wait <= ms * 1.2, `${wait} ms, ${ms} were due`);
    }
  }
});
