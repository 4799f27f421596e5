import assert from "node:assert/strict";
import { test } from "node:test";
import { copyProgram, KernelWorld } from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import { World } from "../../support/world/world.ts";

const PARTITIONS = [0, 1, 2].map((partition) => ({ topic: "in", partition }));

/** Three tasks, of which the last one is told its offsets so much later than the others. */
async function started(lateMs: number): Promise<KernelWorld> {
  const world = new World();
  let isAssigned = (): void => {};
  world.gates.heartbeat = new Promise((resolve) => {
    isAssigned = resolve;
  });
  let later = (_: () => void): void => {};
  const { committed } = world.offsets;
  world.offsets.committed = async (membership, partitions, signal) => {
    if (partitions.some(({ partition }) => partition === 2)) await new Promise<void>(later);
    return await committed(membership, partitions, signal);
  };
  const before = { world, directory: new MemoryDirectory() };
  const kernel = await KernelWorld.start(copyProgram, () => ({ outputs: [] }), before);
  later = (resolve) => kernel.clock.after(lateMs, resolve);
  world.assignment = PARTITIONS;
  isAssigned();
  await kernel.clock.until(() => world.committed.size === PARTITIONS.length);
  return kernel;
}

const offsetsIn = ({ world }: KernelWorld): string[] =>
  world.calls.filter((call) => call.startsWith("offsets"));

test("start positions of tasks that were assigned together are committed together", async () => {
  assert.deepEqual(offsetsIn(await started(15)), ["offsets in-0=0,in-1=0,in-2=0"]);
});

test("nobody waits for the start position of a task whose takeover lasts", async () => {
  const kernel = await started(5_000);
  assert.deepEqual(offsetsIn(kernel), ["offsets in-0=0,in-1=0", "offsets in-2=0"]);
});
