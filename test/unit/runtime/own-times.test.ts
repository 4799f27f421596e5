import assert from "node:assert/strict";
import { test } from "node:test";
import type { TimeWindows } from "../../../src/model/topology.ts";
import { decodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import { compile } from "../../../src/topology/compile.ts";
import { KernelWorld } from "../../support/world/kernel-world.ts";
import { answerOf, type Handler } from "../../support/world/scripted-application.ts";
import { count, functionNode, sink, source, topology, windowStore } from "../topology/nodes.ts";

const IN = { topic: "in", partition: 0 };
const windows: TimeWindows = { kind: "time", sizeMs: 100, advanceMs: 100, graceMs: 0 };
/** As long as a window is kept behind its start: the size, and a segment. */
const KEPT_MS = 100 + 60_000;

const program = compile(
  topology(
    [
      source("in", "in"),
      functionNode("retime", "processValues", ["in"]),
      count("count", "retime", "counts", windows),
      sink("o", "count", "out"),
    ],
    [windowStore("counts")],
  ),
  { applicationId: "app" },
);

/** Forwards each row at the time that its value says. */
const forward: Handler = ({ key, value }) => ({ outputs: [[key, value ?? ""]] });

async function start(before?: KernelWorld): Promise<KernelWorld> {
  const kernel = await KernelWorld.start(program, forward, before);
  kernel.application.answerTo = (batch) => {
    const answer = answerOf(batch, forward);
    const { positions, bytes, count: rows } = answer.outputs;
    const timestamps = Float64Array.from({ length: rows }, (_, row) => {
      const [at = 0, length = 0] = positions.subarray(row * 4 + 2, row * 4 + 4);
      return Number(bytes.toString("latin1", at, at + length));
    });
    return { ...answer, outputs: { ...answer.outputs, timestamps } };
  };
  return kernel;
}

/** Input of one time, of rows that are to have these. */
async function feed(kernel: KernelWorld, ...times: readonly (readonly [string | null, number])[]) {
  const { world } = kernel;
  for (const [key, time] of times) {
    world.append(IN, { key, value: String(time), timestamp: 5_000_000, headers: "\0" });
  }
  await kernel.clock.until(() => world.committed.get("in-0")?.offset === world.log(IN).length);
}

function counted(kernel: KernelWorld): string[] {
  return kernel.world.log({ topic: "out", partition: 0 }).map(({ key, timestamp }) => {
    return `${key?.slice(0, 1)}@${timestamp}`;
  });
}

test("windows behind code that changes timestamps close by the time of the rows that reach them", async () => {
  const kernel = await start();
  // The second is late by the first; a row without a key moves nothing.
  await feed(kernel, ["a", 1_000], ["a", 899], [null, 9_000], ["b", 1_050], ["b", 950]);
  assert.deepEqual(counted(kernel), ["a@1000", "b@1050"]);
});

test("R-17: that time is committed: after a restart the same rows are late", async () => {
  const first = await start();
  await feed(first, ["a", 1_000]);
  await first.active.stop(1_000);
  const { metadata = "" } = first.world.committed.get("in-0") ?? {};
  assert.deepEqual(decodeOffsetMetadata(metadata)?.ownTimes, new Map([["counts", 1_000]]));
  const second = await start(first);
  await feed(second, ["a", 899], ["a", 1_001]);
  assert.deepEqual(counted(second), ["a@1000", "a@1001"]);
});

test("and what expires does so by it, whatever the time of the input", async () => {
  const kernel = await start();
  await feed(kernel, ["a", 1_000]);
  const changelog = () => kernel.world.log({ topic: "app-counts-changelog", partition: 0 });
  assert.equal(changelog().filter(({ value }) => value === null).length, 0);
  await feed(kernel, ["b", 1_100 + KEPT_MS]);
  await kernel.clock.until(() => changelog().some(({ value }) => value === null));
  const gone = changelog().filter(({ value }) => value === null);
  assert.deepEqual(
    gone.map(({ key }) => key?.slice(0, 1)),
    ["a"],
  );
});
