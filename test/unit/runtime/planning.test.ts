import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlainRecord } from "../../support/world/columns.ts";
import { copyProgram, countingProgram, KernelWorld } from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

/** Sends on what was counted: the count is an int64. */
const forward: Handler = ({ key, value }) => ({
  outputs: [[key ?? "", String(Buffer.from(value ?? "", "latin1").readBigInt64BE())]],
});

const record = (key: string): PlainRecord => ({ key, value: "x", timestamp: 1_000 });

/** The kernel, with one batch at the application and one that is being planned. */
async function whilePlanning(handler: Handler, ...planned: PlainRecord[]) {
  const kernel = await KernelWorld.start(countingProgram, handler);
  kernel.application.hold = true;
  kernel.input("a=x", "a=x", "b=x");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  const disk = kernel.directory.disks.get("0_0");
  assert.ok(disk !== undefined);
  let goOn = (): void => {};
  disk.slow = new Promise((resolve) => {
    goOn = resolve;
  });
  const at = { topic: "in", partition: 0 };
  kernel.world.append(at, ...planned);
  await kernel.clock.until(() => disk.waiting === 1);
  const read = (): void => {
    disk.slow = null;
    goOn();
  };
  return { kernel, read };
}

test("R-3: a record fails while the next batch is planned: order and counts are kept", async () => {
  let failures = 1;
  const { kernel, read } = await whilePlanning(
    (row) => {
      if (row.key === "b" && failures-- > 0) throw new Error("no");
      return forward(row);
    },
    record("a"),
    record("b"),
  );
  kernel.application.release();
  read();
  await kernel.clock.until(() => kernel.outputs().length >= 5);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 5);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "b=1", "a=3", "b=2"]);
});

test("R-6: what is planned when a revocation runs out is not committed over its elders", async () => {
  // A record without a value is dropped by the count: its batch is final without a hop.
  const { kernel, read } = await whilePlanning(forward, { ...record("a"), value: null });
  kernel.world.assignment = [];
  kernel.world.memberEpoch = 2;
  await kernel.clock.until(() => kernel.clock.nowMs() > 8_000);
  read();
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 2 "));
  assert.equal(kernel.world.committed.get("in-0")?.offset, 0);
});

test("R-6: a partition is let go as soon as its last planning ends, not at the time-out", async () => {
  const { kernel, read } = await whilePlanning(forward, record("a"));
  kernel.world.assignment = [];
  kernel.world.memberEpoch = 2;
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 2 -"), 9_000);
  const revokedAtMs = kernel.clock.nowMs();
  kernel.application.release();
  read();
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 2 "));
  assert.ok(kernel.clock.nowMs() - revokedAtMs < 1_000, "it waited for the time-out");
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "b=1"]);
});

test("R-3: what ran ahead of an elder batch is kept when a younger one fails first", async () => {
  let failures = 1;
  const kernel = await KernelWorld.start(countingProgram, (row) => {
    if (row.key === "b" && failures-- > 0) throw new Error("no");
    return forward(row);
  });
  kernel.application.hold = true;
  // The row before the failed one is planned again at once, behind the elder batch.
  kernel.input("a=x", "a=x", "a=x", "a=x", "b=x");
  await kernel.clock.until(() => kernel.application.held.length === 2);
  const [elder, younger] = kernel.application.held.splice(0);
  assert.ok(elder !== undefined && younger !== undefined);
  kernel.application.hold = false;
  kernel.application.answer(younger.worker, younger.batch);
  await kernel.clock.until(() => kernel.application.dispatched.length > 2);
  kernel.application.answer(elder.worker, elder.batch);
  await kernel.clock.until(() => kernel.outputs().length === 5);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3", "a=4", "b=1"]);
});

test("R-3: what is given back counts no longer as uncommitted, however often it happens", async () => {
  // Twelve times more than 100 kB of answered batches are given back; the limit is 1 MB.
  const failed = new Set<string>();
  const kernel = await KernelWorld.start(copyProgram, ({ key, value }) => {
    if (value?.startsWith("bad") && !failed.has(key ?? "")) {
      failed.add(key ?? "");
      throw new Error("no");
    }
    return { outputs: [[key ?? "", "done"]] };
  });
  for (let round = 1; round <= 12; round++) {
    kernel.application.hold = true;
    const timestamp = 1_000;
    const bad = { key: `b${round}`, value: "bad", timestamp };
    const large = { key: `l${round}`, value: "x".repeat(100_000), timestamp };
    kernel.world.append({ topic: "in", partition: 0 }, bad, bad, bad, large, large, large);
    await kernel.clock.until(() => kernel.application.held.length === 2);
    const [elder, younger] = kernel.application.held.splice(0);
    assert.ok(elder !== undefined && younger !== undefined);
    kernel.application.hold = false;
    kernel.application.answer(younger.worker, younger.batch);
    kernel.application.answer(elder.worker, elder.batch);
    await kernel.clock.until(() => kernel.outputs().length === 6 * round);
  }
});
