import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { decodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import {
  copyProgram,
  KernelWorld,
  statefulProgram,
  testLimits,
} from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

const IN = { topic: "in", partition: 0 };
const copy: Handler = ({ key, value }) => ({ outputs: [[key ?? "", value ?? ""]] });
const count: Handler = ({ key, state }) => {
  const next = String(Number(state ?? "0") + 1);
  return { outputs: [[key ?? "", next]], state: next };
};
const refused = new OutriggerError("TRANSACTION_ABORTED", "refused");

/** A promise that the test keeps. */
function gate(): { readonly shut: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const shut = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { shut, open };
}

/** Everything but heartbeats, from the first offset commit on. */
function commitCalls(kernel: KernelWorld): string[] {
  return kernel.world.calls.filter((call) => !call.startsWith("heartbeat"));
}

async function claimed(kernel: KernelWorld): Promise<KernelWorld> {
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  return kernel;
}

test("R-4: the offsets wait until every record has been acknowledged", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  const { shut, open } = gate();
  kernel.world.gates.produce = shut;
  kernel.input("a=1");
  await kernel.clock.until(() => commitCalls(kernel).includes("produce 1"));
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  assert.equal(commitCalls(kernel).at(-1), "produce 1");
  open();
  await kernel.clock.until(() => kernel.outputs().length === 1);
  assert.deepEqual(commitCalls(kernel).slice(-2), ["offsets in-0=1", "end commit first"]);
});

/** One record a batch; cuts take 500 kB, and 1 MB may wait. */
async function boundedWorld(): Promise<KernelWorld> {
  const done: Handler = ({ key }) => ({ outputs: [[key ?? "", "done"]] });
  const { task, lane } = testLimits;
  const commit = { commitIntervalMs: 1_000_000, stagedBytesMax: 500_000 };
  const limits = {
    ...testLimits,
    task: { ...task, batchRecordsMax: 1, plannedMax: 1 },
    lane: { ...lane, commit },
  };
  const kernel = await KernelWorld.start(copyProgram, done, undefined, limits);
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  return kernel;
}

/** 3 MB in two places: outputs keep them, because they take the headers of their input. */
const LARGE = Array(30).fill({
  key: "a",
  value: "x".repeat(50_000),
  timestamp: 1_000,
  headers: "\x02\x02h\x02x",
});

test("what runs ahead of a commit is bounded together with what the commit has taken", async () => {
  const kernel = await boundedWorld();
  const { shut, open } = gate();
  kernel.world.gates.produce = shut;
  kernel.world.append(IN, ...LARGE);
  await kernel.clock.until(() => commitCalls(kernel).includes("produce 5"));
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  const { length } = kernel.application.dispatched;
  assert.ok(length >= 11 && length <= 13, `${length} records wait`);
  open();
  await kernel.clock.until(() => kernel.outputs().length >= 25);
});

test("input that outputs take nothing of is let go of, and does not count", async () => {
  const kernel = await boundedWorld();
  const { shut, open } = gate();
  kernel.world.gates.produce = shut;
  kernel.world.append(IN, ...LARGE.map((record) => ({ ...record, headers: "\0" })));
  await kernel.clock.until(() => kernel.application.dispatched.length === 31);
  open();
});

test("tasks share the bound, and one that another has filled goes on when that has committed", async () => {
  const kernel = await boundedWorld();
  kernel.world.assignment = [0, 1].map((partition) => ({ topic: "in", partition }));
  await kernel.clock.until(() => kernel.world.committed.has("in-1"));
  const { shut, open } = gate();
  kernel.world.gates.produce = shut;
  kernel.world.append(IN, ...LARGE);
  await kernel.clock.until(() => commitCalls(kernel).includes("produce 5"));
  await kernel.clock.until(() => kernel.application.dispatched.length >= 11);
  const second = { topic: "in", partition: 1 };
  kernel.world.append(second, { key: "b", value: "x", timestamp: 1_000 });
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  const ofSecond = (): number =>
    kernel.application.dispatched.filter(({ batch }) => batch.taskName === "0_1").length;
  assert.equal(ofSecond(), 0, "the first task has filled what both may hold");
  kernel.world.gates.produce = Promise.resolve();
  open();
  await kernel.clock.until(() => ofSecond() === 1);
});

test("R-4: the store is as it was until EndTxn has been answered", async () => {
  const kernel = await claimed(await KernelWorld.start(statefulProgram, count));
  const disk = kernel.directory.disks.get("0_0");
  const before = disk?.marks?.commitSequence;
  const { shut, open } = gate();
  kernel.world.gates.end = shut;
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  assert.deepEqual([disk?.data.size, disk?.marks?.commitSequence], [0, before]);
  open();
  await kernel.clock.until(() => disk?.data.get("0/a")?.toString() === "1");
});

test("R-4: a task that was lost while EndTxn was under way writes no store", async () => {
  const kernel = await claimed(await KernelWorld.start(statefulProgram, count));
  const { shut, open } = gate();
  kernel.world.gates.end = shut;
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  // Lost, and taken over again: the takeover restores what the cut did from the changelog.
  kernel.world.script.heartbeat.push({ kind: "lost", error: refused });
  const heartbeats = (): number => kernel.world.calls.filter((c) => c === "heartbeat 0 ").length;
  await kernel.clock.until(() => heartbeats() === 2);
  await kernel.clock.until(() => kernel.directory.disks.get("0_0")?.data.size === 1);
  const restored = kernel.directory.disks.get("0_0")?.marks?.commitSequence;
  open();
  kernel.world.gates.end = Promise.resolve();
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  assert.equal(kernel.directory.disks.get("0_0")?.marks?.commitSequence, restored);
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
});

test("R-4: an acknowledgement without an offset leaves the position where it was", async () => {
  const kernel = await claimed(await KernelWorld.start(statefulProgram, count));
  kernel.input("a=x", "b=x");
  await kernel.clock.until(() => kernel.directory.disks.get("0_0")?.data.size === 2);
  const position = (): number | undefined =>
    kernel.directory.disks.get("0_0")?.marks?.positions.get(0)?.position;
  const metadata = (): number | undefined =>
    decodeOffsetMetadata(kernel.world.committed.get("in-0")?.metadata ?? "")?.changelogs.get(
      "state",
    )?.end;
  assert.deepEqual([position(), metadata()], [2, 2]);
  kernel.world.acknowledgesOffsets = false;
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
  await kernel.clock.until(
    () => kernel.directory.disks.get("0_0")?.data.get("0/a")?.toString() === "2",
  );
  assert.deepEqual([position(), metadata()], [2, 2]);
});

test("R-8: after refused offsets nothing is begun or dispatched before a heartbeat is answered", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  const { shut, open } = gate();
  kernel.world.script.offsets.push({ kind: "abortable", error: refused });
  kernel.input("a=1");
  kernel.world.gates.heartbeat = shut;
  await kernel.clock.until(() => commitCalls(kernel).at(-1) === "end abort first");
  const dispatched = kernel.application.dispatched.length;
  kernel.input("b=2");
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  assert.equal(commitCalls(kernel).at(-1), "end abort first");
  assert.equal(kernel.application.dispatched.length, dispatched);
  open();
  await kernel.clock.until(() => kernel.outputs().length === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2"]);
});

test("R-6: a task that is opened anew takes its open cut back, or its records would count twice", async () => {
  let isMended = false;
  const kernel = await claimed(
    await KernelWorld.start(copyProgram, (row) => {
      if (row.value === "bad" && !isMended) throw new Error("not yet");
      return copy(row);
    }),
  );
  const { shut, open } = gate();
  kernel.world.gates.produce = shut;
  kernel.input("a=1", "b=bad");
  // The first record is in an open transaction; the second stops the task.
  await kernel.clock.until(() => commitCalls(kernel).at(-1) === "produce 1");
  await kernel.clock.until(() => !kernel.application.serving);
  isMended = true;
  kernel.connect(2);
  // The takeover reads the offset from before the cut, and the records are processed again.
  const dispatched = kernel.application.dispatched.length;
  await kernel.clock.until(() => kernel.application.dispatched.length > dispatched);
  open();
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=bad"]);
  assert.deepEqual(kernel.active.counters.aborts, { cutLost: 1 });
});

test("R-11: records that were fetched under an older epoch are dropped", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  const late: Parameters<typeof kernel.active.fetched>[] = [];
  kernel.world.listen({
    fetched: (...fetched) => late.push(fetched),
    empty: () => {},
    failed: () => {},
  });
  kernel.input("a=1");
  await kernel.clock.until(() => late.length === 1);
  kernel.world.listen({
    fetched: (...one) => kernel.active.fetched(...one),
    empty: () => {},
    failed: () => {},
  });
  kernel.world.script.heartbeat.push({ kind: "lost", error: refused });
  await kernel.clock.until(() => kernel.outputs().length === 1);
  for (const fetched of late) kernel.active.fetched(...fetched);
  kernel.input("b=2");
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2"]);
});

test("R-11: an answer that names another epoch of the task is dropped", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  kernel.application.hold = true;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  const [before] = kernel.application.held.splice(0);
  kernel.world.script.heartbeat.push({ kind: "lost", error: refused });
  await kernel.clock.until(() => kernel.application.held.length === 1);
  const [now] = kernel.application.held;
  assert.ok(before !== undefined && now !== undefined);
  assert.notEqual(before.batch.taskEpoch, now.batch.taskEpoch);
  // Both are the first dispatch of their epoch: the dispatch id alone would not tell them apart.
  assert.equal(before.batch.dispatchId, now.batch.dispatchId);
  kernel.application.answer(1, before.batch);
  await kernel.clock.until(() => kernel.clock.nowMs() > 9_000);
  assert.deepEqual(kernel.outputs(), []);
  kernel.application.release();
  await kernel.clock.until(() => kernel.outputs().length === 1);
});

test("R-17: a cut commits stream time as of its last record, not the newest", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  kernel.application.hold = true;
  const at = (timestamp: number) => ({ key: "a", value: "1", timestamp });
  kernel.world.append(IN, at(1_000), at(2_000), at(3_000), at(9_000));
  await kernel.clock.until(() => kernel.application.held.length === 2);
  const [first] = kernel.application.held.splice(0, 1);
  assert.ok(first !== undefined);
  kernel.application.answer(first.worker, first.batch);
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 3);
  const { metadata = "" } = kernel.world.committed.get("in-0") ?? {};
  assert.equal(decodeOffsetMetadata(metadata)?.streamTimeMs, 3_000);
});

test("fetches may gather behind a cut of records, until the next one is due", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  assert.deepEqual(kernel.world.gathered, [], "the first output waits for no gap");
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.world.gathered.length > 0);
  const atMs = kernel.clock.nowMs();
  assert.deepEqual(kernel.world.gathered, [{ untilMs: atMs + 100, gapMs: 20 }]);
});

test("a cut that is due waits a little for what workers have, and no longer", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  const { world, clock, application } = kernel;
  const offset = () => world.committed.get("in-0")?.offset;
  kernel.input("a=1");
  await clock.until(() => world.gathered.length === 1);
  const dueAtMs = clock.nowMs() + 100;
  kernel.input("a=2");
  await clock.until(() => application.dispatched.length === 2);
  application.hold = true;
  kernel.input("a=3");
  let isLate = false;
  clock.after(dueAtMs + 1 - clock.nowMs(), () => {
    isLate = true;
  });
  await clock.until(() => isLate);
  assert.equal(world.gathered.length, 1, "cut too early");
  application.release();
  await clock.until(() => world.gathered.length === 2);
  assert.equal(clock.nowMs(), dueAtMs + 1);
  await clock.until(() => offset() === 3);
  kernel.input("a=4");
  await clock.until(() => application.dispatched.length === 4);
  application.hold = true;
  kernel.input("a=5");
  const againAtMs = world.gathered[1]?.untilMs ?? 0;
  await clock.until(() => world.gathered.length === 3);
  assert.equal(clock.nowMs(), againAtMs + 3.125);
  await clock.until(() => offset() === 4);
});

test("behind a commit that took longer than the interval the next one waits for 5 ms", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  const { world, clock } = kernel;
  const { shut, open } = gate();
  world.gates.produce = shut;
  kernel.input("a=1");
  await clock.until(() => commitCalls(kernel).includes("produce 1"));
  kernel.input("a=2");
  const endsAtMs = clock.nowMs() + 250;
  clock.after(250, open);
  await clock.until(() => world.gathered.length === 2);
  assert.equal(clock.nowMs(), endsAtMs + 5);
  await clock.until(() => world.committed.get("in-0")?.offset === 2);
});

test("a large cut is appended in pieces, and what comes meanwhile is dispatched before it is sent", async () => {
  const kernel = await claimed(await KernelWorld.start(copyProgram, copy));
  const { world, clock, application } = kernel;
  const isSent = (): boolean => world.calls.includes("produce 14");
  kernel.input("a=0");
  await clock.until(() => world.gathered.length === 1);
  kernel.input(...Array.from({ length: 14 }, (_, index) => `a=${index + 1}`));
  let dispatchedAtSend = 0;
  let before = 0;
  await clock.until(() => {
    if (world.gathered.length === 2 && before === 0) {
      before = application.dispatched.length;
      kernel.input("late=1");
    }
    dispatchedAtSend = application.dispatched.length;
    return isSent();
  });
  assert.equal(dispatchedAtSend, before + 1);
  await clock.until(() => kernel.outputs().length === 16);
  assert.deepEqual(
    kernel.outputs().slice(0, 15),
    Array.from({ length: 15 }, (_, i) => `a=${i}`),
  );
});
