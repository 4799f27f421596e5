import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelWorld, statefulProgram } from "../../support/world/kernel-world.ts";
import type { Disk } from "../../support/world/memory-directory.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

/** Counts the records of a key in the store and sends each new count. */
const count: Handler = ({ key, state }) => {
  const next = String(Number(state ?? "0") + 1);
  return { outputs: [[key ?? "", next]], state: next };
};

async function counting(...values: string[]): Promise<KernelWorld> {
  const kernel = await KernelWorld.start(statefulProgram, count);
  kernel.input(...values);
  await kernel.clock.until(() => kernel.outputs().length === values.length);
  await kernel.clock.until(() => diskOf(kernel).data.size > 0);
  return kernel;
}

function diskOf(kernel: KernelWorld): Disk {
  return kernel.directory.disks.get("0_0") ?? assert.fail("the task was never opened");
}

for (const what of ["read", "write"] as const) {
  test(`damage found on ${what} costs a restore: no record fails, none is doubled`, async () => {
    const kernel = await counting("a=x", "b=x", "a=x");
    const damaged = diskOf(kernel);
    damaged.rots = what;
    kernel.input("a=x", "b=x");
    await kernel.clock.until(() => kernel.outputs().length === 5);
    assert.deepEqual(kernel.outputs().slice(3), ["a=3", "b=2"]);
    assert.notEqual(diskOf(kernel), damaged);
    await kernel.clock.until(() => diskOf(kernel).data.get("0/b")?.toString() === "2");
    assert.deepEqual(kernel.fatal, []);
    assert.equal(kernel.application.serving, true);
  });
}

test("damage found while a cut is open takes the cut back, or its records would count twice", async () => {
  const kernel = await counting("a=x");
  let open = (): void => {};
  kernel.world.gates.produce = new Promise((resolve) => {
    open = resolve;
  });
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.world.calls.at(-1) === "produce 2");
  diskOf(kernel).rots = "read";
  kernel.input("b=x");
  await kernel.clock.until(
    () => kernel.world.reads.filter((r) => r.startsWith("comm")).length === 2,
  );
  await kernel.clock.until(() => kernel.application.dispatched.length === 3);
  open();
  await kernel.clock.until(() => kernel.outputs().length >= 3);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "b=1"]);
  assert.deepEqual(kernel.active.counters.aborts, { cutLost: 1 });
});

test("damage that comes again within minutes ends the process: the disk is to be replaced", async () => {
  const kernel = await counting("a=x");
  diskOf(kernel).rots = "read";
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 2);
  diskOf(kernel).rots = "read";
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.fatal.length === 1);
  assert.equal(kernel.fatal[0]?.code, "STORE_FAILED");
  assert.match(kernel.fatal[0]?.message ?? "", /damaged again .* replace the disk/);
});

test("damage after ten quiet minutes is another, and costs another restore", async () => {
  const kernel = await counting("a=x");
  diskOf(kernel).rots = "read";
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 2);
  const until = kernel.clock.nowMs() + 600_000;
  await kernel.clock.until(() => kernel.clock.nowMs() > until, 700_000);
  diskOf(kernel).rots = "read";
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 3);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3"]);
  assert.deepEqual(kernel.fatal, []);
});

test("damage found by a worker's question fails no record: the batch goes out again", async () => {
  const kernel = await counting("a=x");
  kernel.application.hold = true;
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  const [held] = kernel.application.held;
  assert.ok(held !== undefined);
  diskOf(kernel).rots = "read";
  const { taskName, taskEpoch, dispatchId } = held.batch;
  const bytes = Buffer.from("a");
  const keys = { count: 1, positions: Int32Array.of(0, 1), bytes };
  kernel.active.asked(1, {
    taskName,
    taskEpoch,
    dispatchId,
    requestId: 1,
    store: 0,
    keys,
    range: null,
  });
  await kernel.clock.until(() => kernel.application.held.length === 2);
  kernel.application.release();
  await kernel.clock.until(() => kernel.outputs().length === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
  assert.deepEqual(kernel.fatal, []);
});
