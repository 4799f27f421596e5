import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { DeclaredNode } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";
import type { World } from "../../support/world/world.ts";
import { count, functionNode, keyValueStore, sink, source, topology } from "../topology/nodes.ts";

const TOPIC = "app-counts-repartition";
const INPUT = { topic: "in", partition: 0 };
const BETWEEN = { topic: TOPIC, partition: 0 };

/** `handler` gives records new keys, and they are counted by those. */
const rekeyed = compile(
  topology(
    [
      source("source", "in"),
      functionNode("handler", "map", ["source"]),
      count("count", "handler", "counts", null),
      sink("sink", "count", "out"),
    ],
    [keyValueStore("counts")],
  ),
  { applicationId: "app" },
);

const swap: Handler = ({ key, value }) => ({ outputs: [[value ?? "", key ?? ""]] });

async function started(before?: Parameters<typeof KernelWorld.start>[2]): Promise<KernelWorld> {
  const limits = { ...testLimits, autoOffsetReset: "earliest" as const };
  const kernel = await KernelWorld.start(rekeyed, swap, before, limits);
  kernel.world.assignment = [INPUT, BETWEEN];
  return kernel;
}

function counts(world: World): string[] {
  return world.log({ topic: "out", partition: 0 }).map(({ key, value }) => {
    return `${key} ${Buffer.from(value ?? "", "latin1").readBigInt64BE(0)}`;
  });
}

test("what was mapped to a new key is counted by it, by a task of the sub-topology below", async () => {
  const kernel = await started();
  kernel.input("a=x", "b=x", "c=y", "d=x");
  await kernel.clock.until(() => counts(kernel.world).length === 4);
  assert.deepEqual(counts(kernel.world), ["x 1", "x 2", "y 1", "x 3"]);
  const tasks = kernel.active.status().tasks.map(({ name }) => name);
  assert.deepEqual(tasks.sort(), ["0_0", "1_0"]);
  const offsets = [...kernel.world.committed].map(([name, { offset }]) => `${name} ${offset}`);
  assert.deepEqual(offsets.sort(), [`${TOPIC}-0 4`, "in-0 4"]);
});

test("a successor counts on, and reads what was written before anybody read it", async () => {
  const first = await started();
  first.world.assignment = [INPUT];
  first.input("a=x", "b=x");
  await first.clock.until(() => first.world.log(BETWEEN).length === 2);
  const { world, directory } = first;
  await first.active.stop(1_000);
  const second = await started({ world, directory });
  second.input("c=x");
  await second.clock.until(() => counts(world).length === 3);
  assert.deepEqual(counts(world), ["x 1", "x 2", "x 3"]);
});

test("a record without a key goes through no repartition, as in Kafka Streams", async () => {
  const unkeyed = { key: null, value: "v", timestamp: 1 };
  const copied = (below: readonly DeclaredNode[]) =>
    compile(topology([source("source", "in"), ...below], [keyValueStore("counts")]), {
      applicationId: "app",
    });
  const moved = compile(
    topology([
      source("source", "in"),
      { name: "moved", parents: ["source"], kind: "repartition", partitions: 0 },
      sink("sink", "moved", "out"),
    ]),
    { applicationId: "app" },
  );
  const explicit = await KernelWorld.start(moved, swap);
  explicit.world.append(INPUT, unkeyed, { ...unkeyed, key: "k" });
  const at = { topic: "app-moved-repartition", partition: 0 };
  await explicit.clock.until(() => explicit.world.committed.get("in-0")?.offset === 2);
  assert.deepEqual(
    explicit.world.log(at).map(({ key }) => key),
    ["k"],
  );
  const aggregate = await KernelWorld.start(
    copied([functionNode("handler", "map", ["source"]), count("count", "handler", "counts", null)]),
    ({ key }) => ({ outputs: [[key, "v"]] }),
  );
  aggregate.world.append(INPUT, unkeyed, { ...unkeyed, key: "k" });
  await aggregate.clock.until(() => aggregate.world.committed.get("in-0")?.offset === 2);
  assert.deepEqual(
    aggregate.world.log(BETWEEN).map(({ key }) => key),
    ["k"],
  );
});

const gone = new OutriggerError("OFFSET_OUT_OF_RANGE", "it is no longer there");

test("who was outrun by another's purge takes the task over anew, and reads on behind it", async () => {
  const kernel = await started();
  kernel.input("a=x", "b=x");
  await kernel.clock.until(() => counts(kernel.world).length === 2);
  kernel.world.starts.set(`${TOPIC}-0`, 2);
  kernel.active.readFailed(BETWEEN, epochOf(kernel, "1_0"), gone);
  const epoch = epochOf(kernel, "1_0");
  await kernel.clock.until(() => epochOf(kernel, "1_0") > epoch);
  kernel.input("c=x");
  await kernel.clock.until(() => counts(kernel.world).length === 3);
  assert.deepEqual(counts(kernel.world), ["x 1", "x 2", "x 3"]);
  assert.deepEqual(kernel.fatal, []);
});

test("what is gone of the input, or of a repartition before it was read, stops the process", async () => {
  const kernel = await started();
  kernel.input("a=x", "b=x");
  await kernel.clock.until(() => counts(kernel.world).length === 2);
  kernel.world.starts.set(`${TOPIC}-0`, 3);
  kernel.active.readFailed(BETWEEN, epochOf(kernel, "1_0"), gone);
  await kernel.clock.until(() => kernel.fatal.length > 0);
  assert.match(
    kernel.fatal[0]?.message ?? "",
    /app-counts-repartition-0 begins at offset 3, and group app has committed 2/,
  );
  kernel.active.readFailed(INPUT, epochOf(kernel, "0_0"), gone);
  assert.equal(kernel.fatal[1], gone);
});

test("what cannot be read again and again, where the group says it was read to, stops the process", async () => {
  const kernel = await started();
  kernel.input("a=x", "b=x");
  await kernel.clock.until(() => counts(kernel.world).length === 2);
  const epoch = epochOf(kernel, "1_0");
  kernel.active.readFailed(BETWEEN, epoch, gone);
  await kernel.clock.until(() => epochOf(kernel, "1_0") > epoch);
  assert.deepEqual(kernel.fatal, []);
  kernel.active.readFailed(BETWEEN, epochOf(kernel, "1_0"), gone);
  assert.deepEqual(kernel.fatal, [gone]);
});

function epochOf(kernel: KernelWorld, task: string): number {
  return kernel.active.status().tasks.find(({ name }) => name === task)?.epoch ?? -1;
}
