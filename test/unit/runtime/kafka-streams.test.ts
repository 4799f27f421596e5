import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import { KernelWorld, statefulProgram, testLimits } from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import type { Handler } from "../../support/world/scripted-application.ts";
import type { World } from "../../support/world/world.ts";

const count: Handler = ({ key, state }) => {
  const next = String(Number(state ?? "0") + 1);
  return { outputs: [[key ?? "", next]], state: next };
};
const accepting = {
  ...testLimits,
  expected: { ...testLimits.expected, accepted: ["offsets.kafka.streams"] },
};

/** As Kafka Streams commits: version 2, the partition's time. */
function streamsMetadata(time: bigint): string {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(2);
  bytes.writeBigInt64BE(time, 1);
  return bytes.toString("base64");
}

/** A world in which two records were counted, by Kafka Streams as it seems. */
async function counted(): Promise<World> {
  const first = await KernelWorld.start(statefulProgram, count);
  first.input("a=x", "a=x");
  await first.clock.until(() => first.world.committed.get("in-0")?.offset === 2);
  const metadata = streamsMetadata(7_000n);
  first.world.committed.set("in-0", { offset: 2, leaderEpoch: 0, metadata });
  return first.world;
}

const written = (world: World, at: string) =>
  decodeOffsetMetadata(world.committed.get(at)?.metadata ?? "");

test("R-9: what Kafka Streams has committed stops a task that has state, unless it is accepted", async () => {
  const world = await counted();
  const kernel = await KernelWorld.start(statefulProgram, count, {
    world,
    directory: new MemoryDirectory(),
  });
  await kernel.clock.until(() => kernel.fatal.length > 0);
  assert.equal(kernel.fatal[0]?.code, "OFFSETS_LOST");
});

test("R-9: accepted, its state and its stream time are gone on from, and are ours at once", async () => {
  const world = await counted();
  const before = { world, directory: new MemoryDirectory() };
  const kernel = await KernelWorld.start(statefulProgram, count, before, accepting);
  await kernel.clock.until(() => written(world, "in-0") !== null);
  const claimed = written(world, "in-0");
  assert.equal(world.committed.get("in-0")?.offset, 2);
  assert.equal(claimed?.streamTimeMs, 7_000);
  const end = world.log({ topic: "app-state-changelog", partition: 0 }).length;
  assert.ok(end > 0 && (claimed?.changelogs.get("state")?.end ?? 0) >= end);
  kernel.input("a=x", "b=x");
  await kernel.clock.until(() => kernel.outputs().length === 4);
  assert.deepEqual(kernel.outputs().slice(2), ["a=3", "b=1"]);
});

test("R-9: what others have committed is not accepted with it", async () => {
  const world = await counted();
  world.committed.set("in-0", { offset: 2, leaderEpoch: 0, metadata: "by a tool" });
  const before = { world, directory: new MemoryDirectory() };
  const kernel = await KernelWorld.start(statefulProgram, count, before, accepting);
  await kernel.clock.until(() => kernel.fatal.length > 0);
  assert.equal(kernel.fatal[0]?.code, "OFFSETS_LOST");
});

test("R-9: what is committed after it is newer than what we had committed of another source", async () => {
  const world = await counted();
  const old = JSON.stringify(["outrigger/1", 9_000, 500, []]);
  world.committed.set("other-0", { offset: 0, leaderEpoch: 0, metadata: old });
  const program = { ...statefulProgram, sources: ["in", "other"] };
  const before = { world, directory: new MemoryDirectory() };
  const kernel = await KernelWorld.start(program, count, before, accepting);
  kernel.input("a=x");
  await kernel.clock.until(() => world.committed.get("in-0")?.offset === 3);
  const newest = written(world, "in-0");
  assert.ok((newest?.commitSequence ?? 0) > 500, `${newest?.commitSequence}`);
  assert.equal(newest?.streamTimeMs, 9_000);
});
