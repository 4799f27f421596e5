import assert from "node:assert/strict";
import { test } from "node:test";
import { isRetriable, retrying } from "../../../src/kafka/network/retry.ts";

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
