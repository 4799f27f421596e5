import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Program, Windows } from "../../../src/model/topology.ts";
import {
  copyProgram,
  fromSource,
  KernelWorld,
  testLimits,
} from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";

const CHANGELOG = { topic: "app-counts-changelog", partition: 0 };
const IN = { topic: "in", partition: 0 };
/** Of 2001: no wall clock has a part in this. */
const BASE = 1_000_000_000_000;

function programOf(windows: Windows, retentionMs: number): Program {
  const kind = windows.kind === "session" ? "session" : "window";
  const isRanged = windows.kind !== "time";
  const isTimestamped = windows.kind === "sliding";
  const changelogTopic = CHANGELOG.topic;
  return {
    ...copyProgram,
    steps: [
      {
        ...{ kind: "operator", feeds: [fromSource] },
        operator: {
          kind: "count",
          node: "count",
          store: 0,
          windows,
          takes: "keyed",
          isTimestamped,
        },
      },
      {
        ...{ kind: "sink", feeds: [{ from: "step", step: 0, exit: 0 }] },
        exit: { kind: "topic", node: "sink", topic: "out", isHook: false },
      },
    ],
    stores: [{ name: "counts", kind, changelogTopic, retentionMs, isRanged, isTimestamped }],
  };
}

/** What is live in the changelog: as a compaction would leave it. */
function live(kernel: KernelWorld): string[] {
  const kept = new Map<string | null, string | null>();
  for (const { key, value } of kernel.world.log(CHANGELOG)) kept.set(key, value);
  return [...kept].filter(([, value]) => value !== null).map(([key]) => key ?? "");
}

const graceMs = 50;
const kinds: readonly (readonly [Windows, number])[] = [
  [{ kind: "time", sizeMs: 100, advanceMs: 100, graceMs }, 150],
  [{ kind: "time", sizeMs: 100, advanceMs: 25, graceMs }, 150],
  [{ kind: "session", gapMs: 100, graceMs }, 150],
  [{ kind: "sliding", differenceMs: 100, graceMs }, 252],
];

describe("what has expired by stream time", () => {
  for (const [windows, retentionMs] of kinds) {
    const name = JSON.stringify(windows);
    test(`leaves store and changelog, through many windows: ${name}`, async () => {
      const program = programOf(windows, retentionMs);
      const kernel = await KernelWorld.start(program, () => ({ outputs: [] }));
      let largest = 0;
      for (let step = 1; step <= 60; step++) {
        const timestamp = BASE + step * 60;
        const records = ["a", "b"].map((key) => ({
          key: `${key}${step % 7}`,
          value: "v",
          timestamp,
        }));
        kernel.world.append(IN, ...records);
        const { length } = kernel.world.log(IN);
        await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === length);
        largest = Math.max(largest, kernel.directory.disks.get("0_0")?.data.size ?? 0);
      }
      const nowMs = kernel.clock.nowMs();
      await kernel.clock.until(() => kernel.clock.nowMs() > nowMs + 1_000);
      const disk = kernel.directory.disks.get("0_0")?.data;
      assert.ok(largest < 80, `the store had ${largest} entries`);
      const stored = [...(disk?.keys() ?? [])].map((key) => key.slice(2));
      assert.deepEqual(live(kernel).toSorted(), stored.toSorted());
      assert.ok(stored.length > 0 && stored.length < 40);
      const suffix = windows.kind === "session" ? 16 : 12;
      for (const key of stored) {
        const time = Buffer.from(key, "latin1").readBigInt64BE(key.length - suffix);
        assert.ok(Number(time) > BASE + 60 * 60 - retentionMs, "an entry has outlived its time");
      }
      await kernel.active.stop(1_000);
      const directory = new MemoryDirectory();
      const again = await KernelWorld.start(program, () => ({ outputs: [] }), {
        world: kernel.world,
        directory,
      });
      await again.clock.until(() => directory.disks.get("0_0")?.data.size === stored.length);
      assert.deepEqual(directory.disks.get("0_0")?.data, disk);
    });
  }

  test("goes in portions of a cut, each with the offsets of its task, and stops when all is gone", async () => {
    const [[windows, retentionMs] = [null, 0]] = kinds;
    assert.ok(windows !== null);
    const kernel = await KernelWorld.start(
      programOf(windows, retentionMs),
      () => ({ outputs: [] }),
      undefined,
      {
        ...testLimits,
        task: { ...testLimits.task, batchRecordsMax: 500 },
      },
    );
    const many = Array.from({ length: 2_500 }, (_, i) => ({
      key: `k${i}`,
      value: "v",
      timestamp: BASE,
    }));
    kernel.world.append(IN, ...many);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 2_500);
    kernel.world.append(IN, { key: "z", value: "v", timestamp: BASE + 10_000 });
    await kernel.clock.until(() => kernel.directory.disks.get("0_0")?.data.size === 1);
    const tombstones = kernel.world.log(CHANGELOG).filter(({ value }) => value === null);
    assert.equal(tombstones.length, 2_500);
    assert.equal(new Set(tombstones.map(({ key }) => key)).size, 2_500);
    const { length } = kernel.world.calls;
    const nowMs = kernel.clock.nowMs();
    await kernel.clock.until(() => kernel.clock.nowMs() > nowMs + 2_000);
    const more = kernel.world.calls.slice(length).filter((call) => call.startsWith("produce"));
    assert.deepEqual(more, [], "it commits on and on");
  });
});
