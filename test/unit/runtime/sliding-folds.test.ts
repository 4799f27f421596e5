import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DeclaredNode, SlidingWindows } from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { adding, long } from "../../support/world/adding.ts";
import type { PlainRecord } from "../../support/world/columns.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { aggregate, sink, source, topology, windowStore } from "../topology/nodes.ts";

const OUT = { topic: "out", partition: 0 };
const IN = { topic: "in", partition: 0 };
const windows: SlidingWindows = { kind: "sliding", differenceMs: 20, graceMs: 30 };

function programOf(aggregator: "application" | "sum") {
  const sum: DeclaredNode = {
    ...{ name: "fold", parents: ["in"], kind: "aggregate", aggregator: "sum" },
    ...{ store: "folds", windows, number: "int64" },
  };
  const fold = aggregator === "sum" ? sum : aggregate("fold", "in", "folds", windows);
  const nodes = [source("in", "in"), fold, sink("o", "fold", "out")];
  return compile(topology(nodes, [windowStore("folds")]), { applicationId: "app" });
}

async function runOf(
  aggregator: "application" | "sum",
  records: readonly PlainRecord[],
  fails: () => boolean = () => false,
) {
  const none = () => ({ outputs: [] });
  const failures = { ...testLimits.task.failures };
  const defaults = { ...failures.defaults, retryMax: 1_000 };
  const task = { ...testLimits.task, failures: { ...failures, defaults } };
  const kernel = await KernelWorld.start(programOf(aggregator), none, undefined, {
    ...testLimits,
    task,
  });
  kernel.application.answerTo = (batch) => adding(batch, { fails });
  for (const record of records) kernel.world.append(IN, record);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === records.length);
  const changelog = new Map(
    kernel.world
      .log({ topic: "app-folds-changelog", partition: 0 })
      .map(({ key, value, timestamp }) => [key, [value, timestamp]]),
  );
  const hops = kernel.application.dispatched.length;
  await kernel.active.stop(1_000);
  return { outputs: kernel.world.log(OUT), changelog, hops };
}

const record = fc.record({
  key: fc.option(fc.constantFrom("a", "b", "ab"), { freq: 9, nil: null }),
  value: fc.option(fc.integer({ min: -9, max: 9 }).map(long), { freq: 9, nil: null }),
  timestamp: fc.integer({ min: 0, max: 150 }),
  headers: fc.constantFrom("\0", "\x02\x02h\x02x"),
});

test("an application that adds up makes of sliding windows what the sidecar's sum does", async () => {
  const property = fc.asyncProperty(
    fc.array(record, { minLength: 1, maxLength: 40 }),
    async (records) => {
      const [ours, theirs] = [await runOf("application", records), await runOf("sum", records)];
      assert.deepEqual(ours.outputs, theirs.outputs);
      assert.deepEqual([...ours.changelog].sort(), [...theirs.changelog].sort());
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test("and whatever fails in between, each record counts once", async () => {
  const property = fc.asyncProperty(
    fc.array(record, { minLength: 1, maxLength: 25 }),
    fc.infiniteStream(fc.nat(6)),
    async (records, dice) => {
      const fails = (): boolean => dice.next().value === 0;
      const ours = await runOf("application", records, fails);
      const theirs = await runOf("sum", records);
      assert.deepEqual(ours.outputs, theirs.outputs);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test("rows of different keys share a hop", async () => {
  const one = (key: string) => ({ key, value: long(1), timestamp: 100, headers: "\0" });
  const { hops } = await runOf("application", [one("a"), one("b"), one("c"), one("a"), one("b")]);
  assert.equal(hops, 2);
});

test("a sink that writes values otherwise than the store has them is refused, by name", async () => {
  const { task } = testLimits;
  const defaults = { ...task.failures.defaults, retryMax: 0 };
  const limits = { ...testLimits, task: { ...task, failures: { ...task.failures, defaults } } };
  const none = () => ({ outputs: [] });
  const kernel = await KernelWorld.start(programOf("application"), none, undefined, limits);
  kernel.application.answerTo = (batch) => adding(batch, { said: () => "text" });
  kernel.world.append(IN, { key: "a", value: long(1), timestamp: 100, headers: "\0" });
  await kernel.clock.until(() => typeof kernel.active.status().tasks[0]?.error === "string");
  const said = kernel.active.status().tasks[0]?.error ?? "";
  assert.match(said, /"o" writes keys or values of "fold" otherwise than.*put a map between/);
});
