import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Program } from "../../../src/model/topology.ts";
import { KernelWorld, statefulProgram, testLimits } from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import type { HandledRow } from "../../support/world/scripted-application.ts";

const IN = { topic: "in", partition: 0 };
const CHANGELOG = { topic: "app-state-changelog", partition: 0 };
const TTL_MS = 100;
const program: Program = {
  ...statefulProgram,
  stores: statefulProgram.stores.map((store) => {
    return { ...store, isTimestamped: true, retentionMs: TTL_MS };
  }),
};

/** Counts the records of a key; the value of each is its timestamp. */
function count({ key, value, state }: HandledRow) {
  const next = state === null ? 1 : Number(state.slice(8)) + 1;
  const stamp = Buffer.alloc(8);
  stamp.writeBigInt64BE(BigInt(value ?? 0));
  const text = Buffer.concat([stamp, Buffer.from(String(next))]).toString("latin1");
  return { outputs: [[key, String(next)] as const], state: text };
}

type Sent = { readonly key: string; readonly timestamp: number };

/** One record after the other, by the words of the documentation. */
function expected(records: readonly Sent[]): { outputs: string[]; live: string[] } {
  const entries = new Map<string, { readonly timestamp: number; readonly count: number }>();
  let streamTime = Number.NEGATIVE_INFINITY;
  const isLive = (at: number): boolean => at + TTL_MS > streamTime;
  const outputs = records.map(({ key, timestamp }) => {
    streamTime = Math.max(streamTime, timestamp);
    const before = entries.get(key);
    const seen = before !== undefined && isLive(before.timestamp) ? before.count : 0;
    entries.set(key, { timestamp, count: seen + 1 });
    return `${key}=${seen + 1}`;
  });
  const live = [...entries].filter(([, { timestamp }]) => isLive(timestamp));
  return { outputs, live: live.map(([key]) => key).sort() };
}

async function consume(kernel: KernelWorld, records: readonly Sent[]): Promise<void> {
  kernel.world.append(
    IN,
    ...records.map(({ key, timestamp }) => ({ key, value: String(timestamp), timestamp })),
  );
  const { length } = kernel.world.log(IN);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === length);
}

const limitsOf = (batchRecordsMax: number) => ({
  ...testLimits,
  task: { ...testLimits.task, batchRecordsMax },
});

const sent = fc.array(
  fc.record({ key: fc.constantFrom("a", "b", "c"), step: fc.integer({ min: -150, max: 90 }) }),
  { minLength: 2, maxLength: 60 },
);

test("P-87: an entry that was not written for so long is gone, whatever the batches are", async () => {
  const property = fc.asyncProperty(sent, fc.constantFrom(1, 7, 500), async (steps, size) => {
    let latest = 10_000;
    const records = steps.map(({ key, step }) => {
      latest = Math.max(latest, latest + step);
      return { key, timestamp: Math.min(latest, latest + step) };
    });
    const half = records.length >> 1;
    const first = await KernelWorld.start(program, count, undefined, limitsOf(size));
    await consume(first, records.slice(0, half));
    await first.active.stop(1_000);
    // Another machine: nothing but the changelog and the offsets is left.
    const before = { world: first.world, directory: new MemoryDirectory() };
    const second = await KernelWorld.start(program, count, before, limitsOf(size));
    await consume(second, records.slice(half));
    const { outputs, live } = expected(records);
    assert.deepEqual(second.outputs(), outputs);
    const disk = second.directory.disks.get("0_0")?.data ?? new Map();
    const kept = (): string[] => [...disk.keys()].map((name) => name.slice(2)).sort();
    // What is gone is deleted by and by, and nothing else.
    await second.clock.until(() => kept().length === live.length);
    assert.deepEqual(kept(), live);
    const changelog = new Map<string | null, string | null>();
    for (const { key, value } of second.world.log(CHANGELOG)) changelog.set(key, value);
    const written = [...changelog].filter(([, value]) => value !== null).map(([key]) => key);
    assert.deepEqual(written.sort(), live);
    await second.active.stop(1_000);
  });
  await fc.assert(property, { numRuns: 40 });
});

test("the changelog has the value alone, under its timestamp", async () => {
  const kernel = await KernelWorld.start(program, count);
  await consume(kernel, [
    { key: "a", timestamp: 5_000 },
    { key: "a", timestamp: 4_990 },
  ]);
  const last = kernel.world.log(CHANGELOG).at(-1);
  assert.deepEqual([last?.key, last?.value, last?.timestamp], ["a", "2", 4_990]);
});

test("R-11, P-86: a value without a timestamp is refused", async () => {
  const defaults = { ...testLimits.task.failures.defaults, exhausted: "skip" as const };
  const failures = { ...testLimits.task.failures, defaults };
  const limits = { ...testLimits, task: { ...testLimits.task, failures } };
  const short = ({ key }: HandledRow) => ({ outputs: [[key, "x"] as const], state: "short" });
  const kernel = await KernelWorld.start(program, short, undefined, limits);
  await consume(kernel, [{ key: "a", timestamp: 1_000 }]);
  assert.deepEqual([kernel.outputs(), kernel.world.log(CHANGELOG)], [[], []]);
});
