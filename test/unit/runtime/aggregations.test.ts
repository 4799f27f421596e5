import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FailurePolicy } from "../../../src/model/failure.ts";
import type { Operator, Program, Stage } from "../../../src/model/topology.ts";
import { valuesOf } from "../../../src/model/value-columns.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { headersIn } from "../../support/headers.ts";
import {
  copyProgram,
  fromSource,
  handlerStage,
  KernelWorld,
  testLimits,
} from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

const sum: Operator = {
  kind: "sum",
  node: "total",
  store: 0,
  windows: null,
  takes: "valued",
  number: "int64",
};

function programOf(operator: Operator, over: Partial<Program> = {}): Program {
  const kind = operator.windows === null ? "keyValue" : "window";
  const stores = [{ name: "totals", kind, changelogTopic: "app-totals-changelog" }] as const;
  const feeds = [{ from: "step", step: 0, exit: 0 }] as const;
  return {
    ...copyProgram,
    steps: [
      { kind: "operator", feeds: [fromSource], operator },
      { kind: "stage", feeds, stage: handlerStage },
    ],
    stores,
    ...over,
  };
}

/** The same, written as it is. */
function withoutCodeOf(operator: Operator, over: Partial<Program> = {}): Program {
  const exit = { kind: "topic", node: "sink", topic: "out", isHook: false } as const;
  const feeds = [{ from: "step", step: 0, exit: 0 }] as const;
  const steps = [
    { kind: "operator", feeds: [fromSource], operator },
    { kind: "sink", feeds, exit },
  ] as const;
  return programOf(operator, { steps, ...over });
}

const withoutCode = withoutCodeOf(sum);

const toText: Handler = ({ key, value }) => ({
  outputs: [[key ?? "", String(Buffer.from(value ?? "", "latin1").readBigInt64BE())]],
});

function limitsWith(
  deadLetterTopic: string | null,
  overrides: Partial<FailurePolicy> = {},
): KernelLimits {
  const failures = { ...testLimits.task.failures, deadLetterTopic, overrides };
  return { ...testLimits, task: { ...testLimits.task, failures, recordBytesMax: 5_000 } };
}

function long(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes.toString("latin1");
}

function send(kernel: KernelWorld, ...records: readonly (readonly [string, string])[]): void {
  const all = records.map(([key, value]) => ({ key, value, timestamp: 1_000 }));
  kernel.world.append({ topic: "in", partition: 0 }, ...all);
}

const sums = (kernel: KernelWorld): string[] =>
  kernel.world.log({ topic: "out", partition: 0 }).map(({ key, value }) => {
    return `${key}=${Buffer.from(value ?? "", "latin1").readBigInt64BE()}`;
  });

const mixed = [
  ["a", long(1n)],
  ["a", "seven"],
  ["a", long(2n)],
  ["b", ""],
  ["b", long(3n)],
] as const;

describe("a record that a built-in node cannot read", () => {
  for (const [name, program] of [
    ["before code of the application", programOf(sum)],
    ["without any", withoutCode],
  ] as const) {
    test(`is dead-lettered at once, ${name}, and the others are added up`, async () => {
      const kernel = await KernelWorld.start(program, toText, undefined, limitsWith("dead"));
      send(kernel, ...mixed);
      await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 5);
      const found = program === withoutCode ? sums(kernel) : kernel.outputs();
      assert.deepEqual(found, ["a=1", "a=3", "b=3"]);
      const letters = kernel.world.log({ topic: "dead", partition: 0 });
      assert.deepEqual(
        letters.map(({ key, value }) => `${key}=${value}`),
        ["a=seven", "b="],
      );
      const headers = new Map(headersIn(Buffer.from(letters[0]?.headers ?? "", "latin1")));
      assert.equal(headers.get("outrigger.errors.reason"), "malformed");
      assert.equal(headers.get("outrigger.errors.node"), "total");
      assert.equal(headers.get("outrigger.errors.attempts"), "1");
      assert.match(headers.get("__streams.errors.message") ?? "", /int64 .* 8 bytes, .* has 5/);
      assert.equal(kernel.active.counters.deadLettered, 2);
      assert.ok(kernel.clock.nowMs() < 5_000, "it was tried again");
    });
  }

  test("is skipped where the policy says so", async () => {
    const limits = limitsWith(null, { exhausted: "skip" });
    const kernel = await KernelWorld.start(withoutCode, toText, undefined, limits);
    send(kernel, ...mixed);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 5);
    assert.deepEqual(sums(kernel), ["a=1", "a=3", "b=3"]);
  });

  test("stops its task where nothing else is said, and names node, offset, lengths, remedy", async () => {
    const kernel = await KernelWorld.start(withoutCode, toText);
    send(kernel, ...mixed);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 1);
    await kernel.clock.until(() => kernel.active.status().tasks[0]?.error != null);
    const text = kernel.active.status().tasks[0]?.error ?? "";
    assert.match(String(text), /in-0@1: .*node "total".*8 bytes, and it has 5: send what Kafka/);
    assert.deepEqual(sums(kernel), ["a=1"]);
  });
});

describe("sessions", () => {
  const windows = { kind: "session", gapMs: 100, graceMs: 1_000 } as const;
  const stores = [
    {
      name: "totals",
      kind: "session",
      isRanged: true,
      changelogTopic: "app-totals-changelog",
    },
  ] as const;
  const at = (timestamp: number) => ({ key: "a", value: long(1n), timestamp });
  /** `start-end` of a session key, behind a key of one byte. */
  const spanOf = (key: string | null): string => {
    const bytes = Buffer.from(key ?? "", "latin1");
    return `${bytes.readBigInt64BE(9)}-${bytes.readBigInt64BE(1)}`;
  };

  test("are merged across batches, commits and a restart; what is merged is a tombstone", async () => {
    const program = withoutCodeOf({ ...sum, windows }, { stores });
    const kernel = await KernelWorld.start(program, toText);
    kernel.world.append({ topic: "in", partition: 0 }, at(1_000), at(1_150));
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 2);
    kernel.world.append({ topic: "in", partition: 0 }, at(1_080));
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
    const said = kernel.world
      .log({ topic: "out", partition: 0 })
      .map(({ key, value, timestamp }) => {
        const total = value === null ? null : Buffer.from(value, "latin1").readBigInt64BE();
        return `${spanOf(key)}=${total} @${timestamp}`;
      });
    assert.deepEqual(said, [
      "1000-1000=1 @1000",
      "1150-1150=1 @1150",
      "1000-1000=null @1000",
      "1150-1150=null @1150",
      "1000-1150=3 @1150",
    ]);
    const kept = new Map<string, string | null>();
    for (const { key, value } of kernel.world.log({
      topic: "app-totals-changelog",
      partition: 0,
    })) {
      kept.set(spanOf(key), value);
    }
    const live = [...kept].filter(([, value]) => value !== null).map(([span]) => span);
    assert.deepEqual(live, ["1000-1150"]);
    assert.equal(kernel.directory.disks.get("0_0")?.data.size, 1);
  });

  test("of the application come with the slots to merge, then the one that they become", async () => {
    const stage: Stage = { ...handlerStage, stores: [{ store: 0, windows, takes: "keyed" }] };
    const steps = [{ kind: "stage", feeds: [fromSource], stage }] as const;
    const kernel = await KernelWorld.start({ ...copyProgram, steps, stores }, () => ({
      outputs: [],
      state: "kept",
    }));
    kernel.world.append({ topic: "in", partition: 0 }, at(1_000), at(1_150), at(1_080));
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
    const last = kernel.application.dispatched.at(-1)?.batch;
    // Alone: its code might have ended the sessions of the rows before.
    assert.deepEqual([last?.rows[0]?.from, last?.rows[0]?.to], [2, 3]);
    const [state] = last?.states ?? [];
    assert.deepEqual([...(state?.slots ?? [])], [0, 1, 2]);
    assert.deepEqual([...(state?.slotCounts ?? [])], [3]);
    assert.deepEqual(state && valuesOf(state.values).map(String), ["kept", "kept", "null"]);
    assert.deepEqual([...(state?.windowStarts ?? [])], [1_000, 1_150, 1_000]);
    assert.deepEqual([...(state?.sessionLengths ?? [])], [0, 0, 150]);
  });
});

describe("sliding windows", () => {
  const windows = { kind: "sliding", differenceMs: 100, graceMs: 1_000 } as const;
  const name = "totals";
  const changelogTopic = "app-totals-changelog";
  const ranged = { isRanged: true, isTimestamped: true };
  const stores = [{ name, kind: "window", changelogTopic, ...ranged }] as const;
  const operator = { ...sum, windows, isTimestamped: true };
  const program = withoutCodeOf(operator, { stores });
  const at = (timestamp: number) => ({ key: "a", value: long(1n), timestamp });

  test("are the same out of a changelog, where the time of a window is its record's", async () => {
    const kernel = await KernelWorld.start(program, toText);
    kernel.world.append({ topic: "in", partition: 0 }, at(1_000), at(1_090), at(1_050));
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
    const logged = kernel.world.log({ topic: changelogTopic, partition: 0 });
    const last = new Map(logged.map((record) => [record.key, record]));
    const said = [...last.values()].map(({ key, value, timestamp }) => {
      const start = Buffer.from(key ?? "", "latin1").readBigInt64BE(1);
      return `${start}=${Buffer.from(value ?? "", "latin1").readBigInt64BE()} @${timestamp}`;
    });
    assert.deepEqual(said.toSorted(), [
      "1001=2 @1090",
      "1051=1 @1090",
      "900=1 @1000",
      "950=2 @1050",
      "990=3 @1090",
    ]);
    const disk = kernel.directory.disks.get("0_0");
    await kernel.active.stop(1_000);
    const directory = new MemoryDirectory();
    const again = await KernelWorld.start(program, toText, { world: kernel.world, directory });
    await again.clock.until(() => directory.disks.get("0_0")?.data.size === 5);
    assert.deepEqual(directory.disks.get("0_0")?.data, disk?.data);
  });
});

describe("a record that is in several windows", () => {
  const hopping: Operator = {
    ...sum,
    windows: { kind: "time", sizeMs: 1_000, advanceMs: 250, graceMs: 0 },
  };

  test("fails as one, whichever of its rows the code fails on", async () => {
    let failures = 2;
    const kernel = await KernelWorld.start(
      programOf(hopping),
      (row) => {
        const value = Buffer.from(row.value ?? "", "latin1").readBigInt64BE();
        const start = Buffer.from((row.key ?? "").slice(1), "latin1").readBigInt64BE();
        if (value === 6n && start === 750n && failures > 0) {
          failures -= 1;
          throw new Error("no");
        }
        return { outputs: [[`${start}`, String(value)]] };
      },
      undefined,
      limitsWith(null),
    );
    send(kernel, ["a", long(1n)], ["a", long(5n)], ["a", long(7n)]);
    await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
    const starts = [250, 500, 750, 1_000];
    const expected = [1, 6, 13].flatMap((total) => starts.map((start) => `${start}=${total}`));
    assert.deepEqual(kernel.outputs(), expected);
    assert.equal(failures, 0);
  });
});
