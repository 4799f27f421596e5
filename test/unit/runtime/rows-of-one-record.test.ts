import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeclaredNode, TimeWindows } from "../../../src/model/topology.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { compile } from "../../../src/topology/compile.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";
import {
  aggregate,
  count,
  functionNode,
  keyValueStore,
  sink,
  source,
  topology,
  windowStore,
} from "../topology/nodes.ts";

const { task } = testLimits;
const withLetters: KernelLimits = {
  ...testLimits,
  task: { ...task, recordBytesMax: 5_000, failures: { ...task.failures, deadLetterTopic: "dead" } },
};
const OUT = { topic: "out", partition: 0 };
const DEAD = { topic: "dead", partition: 0 };

/** A record is in so many windows that ten rows of it are too many for one batch. */
const MANY = 7_000;
const ROWS = 10;
const windows: TimeWindows = { kind: "time", sizeMs: MANY, advanceMs: 1, graceMs: 0 };

function long(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes.toString("latin1");
}

const wordsOf: Handler = ({ key, value }) => ({
  outputs: (value ?? "").split(" ").map((word) => {
    return [key ?? "", word === "bad" ? word : long(BigInt(word))] as const;
  }),
});

test("a row of a later hop that cannot be read fails its record, and no other", async () => {
  const sum: DeclaredNode = {
    ...{ name: "total", parents: ["words"], kind: "aggregate", aggregator: "sum" },
    ...{ store: "totals", windows: null, number: "int64" },
  };
  const declared = topology(
    [
      source("in", "in"),
      functionNode("words", "flatMapValues", ["in"]),
      sum,
      sink("o", "total", "out"),
    ],
    [keyValueStore("totals")],
  );
  const program = compile(declared, { applicationId: "app" });
  const kernel = await KernelWorld.start(program, wordsOf, undefined, withLetters);
  kernel.input("a=1 2", "a=3 bad 4", "a=5");
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
  const totals = kernel.world.log(OUT).map(({ value }) => {
    return Buffer.from(value ?? "", "latin1").readBigInt64BE();
  });
  assert.deepEqual(totals, [1n, 3n, 8n]);
  const [letter, ...others] = kernel.world.log(DEAD);
  assert.deepEqual([letter?.key, letter?.value, others.length], ["a", "3 bad 4", 0]);
});

const tenRows: Handler = ({ key }) => ({
  outputs: Array.from({ length: ROWS }, () => [key ?? "", "row"] as const),
});
const ONE = { key: "a", value: "v", timestamp: 1_000_000 };

test("what one record has become is too much for a built-in node at once: it runs in parts", async () => {
  const declared = topology(
    [
      source("in", "in"),
      functionNode("rows", "flatMapValues", ["in"]),
      count("count", "rows", "counts", windows),
      sink("o", "count", "out"),
    ],
    [windowStore("counts")],
  );
  const program = compile(declared, { applicationId: "app" });
  const kernel = await KernelWorld.start(program, tenRows);
  kernel.world.append({ topic: "in", partition: 0 }, ONE);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 1);
  const counts = kernel.world.log(OUT).map(({ value }) => {
    return Number(Buffer.from(value ?? "", "latin1").readBigInt64BE());
  });
  const expected = Array.from({ length: ROWS * MANY }, (_, i) => 1 + Math.floor(i / MANY));
  assert.deepEqual(counts, expected);
});

test("and for user code: it goes in parts, each with what the one before it has left", async () => {
  const declared = topology(
    [
      source("in", "in"),
      functionNode("rows", "flatMapValues", ["in"]),
      count("count", "rows", "counts", null),
      aggregate("fold", "count", "folds", windows),
      sink("o", "fold", "out"),
    ],
    [keyValueStore("counts"), windowStore("folds")],
  );
  const program = compile(declared, { applicationId: "app" });
  const kernel = await KernelWorld.start(program, tenRows);
  const { application, world } = kernel;
  const answerTo = application.answerTo;
  application.answerTo = (batch) => {
    application.handler = batch.states.length === 0 ? tenRows : counting;
    return answerTo(batch);
  };
  world.append({ topic: "in", partition: 0 }, ONE);
  await kernel.clock.until(() => world.committed.get("in-0")?.offset === 1);
  const sizes = application.dispatched.map(({ batch: { rows } }) => {
    return rows.reduce((sum, { from, to }) => sum + to - from, 0);
  });
  assert.ok(sizes.length > 2, `${sizes}`);
  assert.equal(
    sizes.slice(1).reduce((sum, size) => sum + size, 0),
    ROWS,
  );
  const counts = world.log(OUT).map(({ value }) => Number(value));
  // Within a part the scripted application has a slot for each of the rows.
  assert.deepEqual(counts, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
});

/** Counts in a row's first window. */
const counting: Handler = ({ key, state }) => {
  const next = String(Number(state ?? 0) + 1);
  return { outputs: [[key, next]], state: next };
};
