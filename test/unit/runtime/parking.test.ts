import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Program } from "../../../src/model/topology.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { encodeParkCommand, type ParkCommand } from "../../../src/tasks/park-command.ts";
import { headersIn } from "../../support/headers.ts";
import { KernelWorld, statefulProgram, testLimits } from "../../support/world/kernel-world.ts";
import { type Handler, ScriptedFailure } from "../../support/world/scripted-application.ts";

const CONTROL = { topic: "app-control", partition: 0 };

const program: Program = {
  ...statefulProgram,
  stores: [
    ...statefulProgram.stores,
    { name: "parked", kind: "keyValue", changelogTopic: "app-parked-changelog" },
  ],
  parking: { store: 1, controlTopic: CONTROL.topic },
};

/** Appends values to their key's list; parks what is bad. */
const parks: Handler = ({ key, value, state }) => {
  if (value?.startsWith("bad")) throw new ScriptedFailure({ kind: "park" });
  return mended({ key, value, state, offset: 0 });
};

const mended: Handler = ({ key, value, state }) => {
  const next = `${state ?? ""}${value}`;
  return { outputs: [[key ?? "", next]], state: next };
};

function limitsWith(recordsMax: number, deadLetterTopic: string | null): KernelLimits {
  const { task } = testLimits;
  const failures = { ...task.failures, deadLetterTopic };
  const parked = { recordsMax, bytesMax: 10_000 };
  return { ...testLimits, task: { ...task, failures, parked } };
}

async function scene(recordsMax = 20, deadLetterTopic: string | null = null): Promise<KernelWorld> {
  return await KernelWorld.start(
    program,
    parks,
    undefined,
    limitsWith(recordsMax, deadLetterTopic),
  );
}

async function again(before: KernelWorld, handler: Handler): Promise<KernelWorld> {
  before.directory.disks.delete("0_0");
  return await KernelWorld.start(program, handler, before, limitsWith(20, null));
}

function command(kernel: KernelWorld, over: Partial<ParkCommand> = {}): void {
  const said: ParkCommand = { action: "release", key: null, until: Number.MAX_SAFE_INTEGER };
  const value = encodeParkCommand({ ...said, ...over });
  kernel.world.append(CONTROL, { key: null, value, timestamp: 0 });
}

async function committed(kernel: KernelWorld, offset: number): Promise<void> {
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === offset);
}

describe("a key with a parked record", () => {
  test("waits with its later records, and others go on; released, all is as if it had never failed", async () => {
    const kernel = await scene();
    kernel.input("a=1", "a=bad2", "b=1", "a=3", "b=2", "a=4", "c=1");
    await committed(kernel, 7);
    assert.deepEqual(kernel.outputs(), ["a=1", "b=1", "b=12", "c=1"]);
    assert.equal(kernel.active.counters.parked, 3);
    assert.equal(kernel.active.status().tasks[0]?.parkedRecords, 3);
    kernel.application.handler = mended;
    command(kernel);
    await kernel.clock.until(() => kernel.outputs().length === 7);
    kernel.input("a=5");
    await committed(kernel, 8);
    assert.deepEqual(kernel.outputs().slice(4), ["a=1bad2", "a=1bad23", "a=1bad234", "a=1bad2345"]);
    assert.equal(kernel.active.counters.released, 3);
    assert.equal(kernel.active.status().tasks[0]?.parkedRecords, 0);
    const left = [...(kernel.directory.disks.get("0_0")?.data.keys() ?? [])];
    assert.deepEqual(
      left.filter((name) => name.startsWith("1/")),
      ["1/\0"],
    );
  });

  test("waits again where a released record fails again, with the rest behind it", async () => {
    const kernel = await scene();
    kernel.input("a=bad1", "a=2", "a=bad3", "a=4");
    await committed(kernel, 4);
    kernel.application.handler = (row) => (row.value === "bad1" ? mended(row) : parks(row));
    command(kernel, { key: Buffer.from("a") });
    await kernel.clock.until(() => kernel.outputs().length === 2);
    kernel.input("a=5", "b=1");
    await committed(kernel, 6);
    assert.deepEqual(kernel.outputs(), ["a=bad1", "a=bad12", "b=1"]);
    assert.equal(kernel.active.status().tasks[0]?.parkedRecords, 3);
    kernel.application.handler = mended;
    command(kernel);
    await kernel.clock.until(() => kernel.outputs().length === 6);
    assert.deepEqual(kernel.outputs().at(-1), "a=bad12bad345");
  });

  test("is known to a successor with an empty disk, which does not carry out a command twice", async () => {
    const first = await scene();
    first.input("a=bad1", "a=2");
    await committed(first, 2);
    command(first);
    await first.clock.until(() => first.application.dispatched.length > 1);
    await first.clock.until(() => first.clock.nowMs() > 2_000);
    await first.active.stop(100);
    const kernel = await again(first, mended);
    kernel.input("a=3", "b=1");
    await committed(kernel, 4);
    assert.deepEqual(kernel.outputs(), ["b=1"]);
    command(kernel);
    await kernel.clock.until(() => kernel.outputs().length === 4);
    assert.deepEqual(kernel.outputs().slice(1), ["a=bad1", "a=bad12", "a=bad123"]);
  });
});

describe("a policy that parks", () => {
  const failures = { ...testLimits.task.failures, overrides: { exhausted: "park" as const } };
  const parked = { recordsMax: 20, bytesMax: 10_000 };
  const limits = { ...testLimits, task: { ...testLimits.task, failures, parked } };

  test("parks a record whose tries are used up", async () => {
    const throws: Handler = (row) => {
      if (row.value === "bad") throw new RangeError("it is bad");
      return mended(row);
    };
    const kernel = await KernelWorld.start(program, throws, undefined, limits);
    kernel.input("a=bad", "b=1", "a=2");
    await committed(kernel, 3);
    assert.deepEqual(kernel.outputs(), ["b=1"]);
    assert.equal(kernel.active.counters.parked, 2);
  });

  test("parks a record that its workers die of, also when it was released too early", async () => {
    const kernel = await KernelWorld.start(program, mended, undefined, limits);
    let worker = 1;
    let deaths = 0;
    const serve = async (isDone: () => boolean): Promise<void> => {
      kernel.application.hold = true;
      while (!isDone()) {
        await kernel.clock.until(() => kernel.application.held.length > 0 || isDone());
        const held = kernel.application.held.shift();
        if (held === undefined) continue;
        const kills = held.batch.rows.some(({ columns, from, to }) => {
          const values = Array.from({ length: to - from }, (_, i) => columns.value(from + i));
          return values.some((value) => value?.toString() === "kill");
        });
        if (!kills || isMended) {
          kernel.application.answer(held.worker, held.batch);
          continue;
        }
        deaths += 1;
        kernel.application.held.length = 0;
        kernel.active.workerGone(worker++);
        kernel.connect(worker);
      }
    };
    let isMended = false;
    const parkedNow = (): number => kernel.active.status().tasks[0]?.parkedRecords ?? 0;
    kernel.input("a=1", "a=kill", "b=1", "a=2");
    await serve(() => kernel.world.committed.get("in-0")?.offset === 4);
    assert.deepEqual([deaths, parkedNow(), kernel.outputs()], [3, 2, ["a=1", "b=1"]]);
    command(kernel);
    await serve(() => deaths === 6);
    kernel.input("b=2");
    await serve(() => kernel.world.committed.get("in-0")?.offset === 5);
    assert.deepEqual([deaths, parkedNow(), kernel.outputs()], [6, 2, ["a=1", "b=1", "b=12"]]);
    isMended = true;
    command(kernel);
    await serve(() => kernel.outputs().length === 5);
    assert.deepEqual(kernel.outputs().slice(3), ["a=1kill", "a=1kill2"]);
  });
});

describe("what cannot be parked", () => {
  test("a record without a key is dead-lettered where there is a topic", async () => {
    const kernel = await scene(20, "dead");
    kernel.world.append(
      { topic: "in", partition: 0 },
      { key: null, value: "bad", timestamp: 1_000 },
      { key: "b", value: "1", timestamp: 1_000 },
    );
    await committed(kernel, 2);
    assert.deepEqual(kernel.outputs(), ["b=1"]);
    assert.equal(kernel.active.counters.deadLettered, 1);
    assert.equal(kernel.active.counters.parked, 0);
  });

  test("a record without a key stops the task where there is none", async () => {
    const kernel = await scene();
    kernel.world.append({ topic: "in", partition: 0 }, { key: null, value: "bad", timestamp: 1 });
    await kernel.clock.until(() => kernel.active.status().tasks[0]?.phase === "stopped");
  });

  test("more than parked.max.records stops the task, and a command gives it room", async () => {
    const kernel = await scene(2);
    kernel.input("a=bad1", "a=2", "a=3", "b=1");
    await kernel.clock.until(() => kernel.active.status().tasks[0]?.phase === "stopped");
    const error = kernel.active.status().tasks[0]?.error ?? "";
    assert.match(error, /has parked 2 records of 1 keys.*parked\.max\.records.*dlq release/);
    kernel.application.handler = mended;
    command(kernel);
    await committed(kernel, 4);
    assert.deepEqual(kernel.outputs(), ["a=bad1", "a=bad12", "a=bad123", "b=1"]);
  });
});

describe("a command that drops", () => {
  test("leaves dead letters that say why, and lets the key go on", async () => {
    const kernel = await scene(20, "dead");
    kernel.input("a=bad1", "a=2");
    await committed(kernel, 2);
    command(kernel, { action: "drop", key: Buffer.from("a") });
    const letters = () => kernel.world.log({ topic: "dead", partition: 0 });
    await kernel.clock.until(() => letters().length === 2);
    kernel.input("a=3");
    await kernel.clock.until(() => kernel.outputs().length === 1);
    assert.deepEqual(kernel.outputs(), ["a=3"]);
    const reasons = letters().map(({ headers }) => {
      const said = new Map(headersIn(Buffer.from(headers ?? "", "latin1")));
      return `${said.get("outrigger.errors.reason")} ${said.get("__streams.errors.offset")}`;
    });
    assert.deepEqual(reasons, ["rejected 0", "parked_behind 1"]);
  });

  test("does not drop what was parked after it was given", async () => {
    const kernel = await scene();
    kernel.input("a=bad1", "a=2", "a=3");
    await committed(kernel, 3);
    command(kernel, { action: "discard", until: 1 });
    await kernel.clock.until(() => kernel.active.status().tasks[0]?.parkedRecords === 1);
    kernel.application.handler = mended;
    command(kernel);
    await kernel.clock.until(() => kernel.outputs().length === 1);
    assert.deepEqual(kernel.outputs(), ["a=3"]);
  });

  test("drops nothing where it wants letters and there is no topic, nor for what is no command", async () => {
    const kernel = await scene();
    kernel.input("a=bad1");
    await committed(kernel, 1);
    command(kernel, { action: "drop" });
    kernel.world.append(CONTROL, { key: null, value: "{nonsense", timestamp: 0 });
    kernel.application.handler = mended;
    command(kernel);
    await kernel.clock.until(() => kernel.outputs().length === 1);
    assert.deepEqual(kernel.outputs(), ["a=bad1"]);
  });
});
