import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { firstSignal } from "../../../src/kafka/network/first-signal.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

test("a timeout that nobody else holds ends the wait, though garbage is collected meanwhile", async () => {
  const { signal, release } = firstSignal([new AbortController().signal, AbortSignal.timeout(60)]);
  // Not held by this function either, as by no one who waits on a promise.
  const ended = once(signal, "abort");
  const collecting = setInterval(collectGarbage, 5);
  try {
    await ended;
    assert.equal(signal.reason.name, "TimeoutError");
  } finally {
    clearInterval(collecting);
    release();
  }
});

test("the first signal decides, one that has aborted at once; released, none does", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  one.abort(new Error("before"));
  assert.equal(firstSignal([other.signal, one.signal]).signal.reason.message, "before");
  const { signal, release } = firstSignal([other.signal]);
  release();
  other.abort();
  assert.equal(signal.aborted, false);
});
