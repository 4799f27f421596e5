import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import { copyProgram, KernelWorld, statefulProgram } from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import type { Handler } from "../../support/world/scripted-application.ts";
import { World } from "../../support/world/world.ts";

const copy: Handler = ({ key, value }) => ({ outputs: [[key ?? "", value ?? ""]] });

/** Counts the records of a key in the store and sends each new count. */
const count: Handler = ({ key, state }) => {
  const next = String(Number(state ?? "0") + 1);
  return { outputs: [[key ?? "", next]], state: next };
};

const refused = new OutriggerError("TRANSACTION_ABORTED", "refused");

test("every record goes through the application once and comes out in order", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.input("a=1", "b=2", "c=3", "d=4", "e=5");
  await kernel.clock.until(() => kernel.outputs().length === 5);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2", "c=3", "d=4", "e=5"]);
  assert.equal(kernel.world.committed.get("in-0")?.offset, 5);
});

test("R-5: a new task commits its start position before its first dispatch", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  assert.equal(kernel.world.committed.get("in-0")?.offset, 0);
  assert.deepEqual(
    kernel.world.calls.filter((call) => call.startsWith("end")),
    ["end commit first"],
  );
});

test("R-2: no transaction is open while the application is slow", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  const before = kernel.world.calls.filter((call) => !call.startsWith("heartbeat")).length;
  await kernel.clock.until(() => kernel.clock.nowMs() > 30_000);
  const after = kernel.world.calls.filter((call) => !call.startsWith("heartbeat")).length;
  assert.equal(after, before);
});

test("R-4: offsets are sent when outputs are acknowledged, EndTxn after the offsets", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  const calls = kernel.world.calls.filter((call) => !call.startsWith("heartbeat")).slice(-3);
  assert.deepEqual(calls, ["produce 1", "offsets in-0=1", "end commit first"]);
});

test("R-4: the store holds what was committed, at the position of its changelog", async () => {
  const kernel = await KernelWorld.start(statefulProgram, count);
  kernel.input("a=x", "a=x", "b=x");
  await kernel.clock.until(() => kernel.outputs().length === 3);
  await settle(kernel);
  const disk = kernel.directory.disks.get("0_0");
  assert.deepEqual(
    [...(disk?.data ?? [])].map(([name, value]) => `${name}=${value}`),
    ["0/a=2", "0/b=1"],
  );
  const changelog = kernel.world.log({ topic: "app-state-changelog", partition: 0 });
  assert.equal(disk?.marks?.positions.get(0)?.position, changelog.length);
});

test("R-12: a worker that dies gets nothing lost: another has its batches, in order", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1", "b=2", "c=3", "d=4");
  await kernel.clock.until(() => kernel.application.held.length === 2);
  const late = kernel.application.held.splice(0);
  kernel.active.workerGone(1);
  kernel.application.hold = false;
  kernel.connect(2);
  for (const { batch } of late) kernel.application.answer(1, batch);
  await kernel.clock.until(() => kernel.outputs().length === 4);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2", "c=3", "d=4"]);
  assert.equal(kernel.world.calls.filter((call) => call === "end abort first").length, 0);
});

test("P-43: what a stopping worker hands back goes to another, in order and without a retry", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1", "b=2", "c=3", "d=4");
  await kernel.clock.until(() => kernel.application.held.length === 2);
  kernel.connect(2);
  kernel.active.credited(1, 0, 1_000);
  kernel.application.hold = false;
  for (const { batch } of kernel.application.held.splice(0)) kernel.active.handedBack(1, batch);
  await kernel.clock.until(() => kernel.outputs().length === 4);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2", "c=3", "d=4"]);
  const [again] = kernel.application.dispatched.slice(2);
  assert.equal(again?.worker, 2);
});

test("P-33: a batch handed back by a worker that does not stop is tried again, and not for ever", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  let tries = 0;
  while (kernel.application.serving) {
    const held = kernel.application.held.shift();
    if (held === undefined) {
      await kernel.clock.until(
        () => kernel.application.held.length > 0 || !kernel.application.serving,
      );
      continue;
    }
    tries += 1;
    assert.ok(tries < 50, "it goes on for ever");
    kernel.active.handedBack(held.worker, held.batch);
  }
  assert.ok(tries > 1, "it was tried again");
  assert.deepEqual(kernel.outputs(), []);
});

test("R-11: a duplicate answer counts once", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  const [held] = kernel.application.held.splice(0);
  assert.ok(held);
  kernel.application.answer(1, held.batch);
  kernel.application.answer(1, held.batch);
  await kernel.clock.until(() => kernel.outputs().length > 0);
  await kernel.clock.until(() => kernel.clock.nowMs() > 5_000);
  assert.deepEqual(kernel.outputs(), ["a=1"]);
  assert.equal(kernel.active.counters.staleAnswers, 1);
});

test("R-8: an aborted cut is committed again without asking the application again", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  kernel.world.script.produce.push({ kind: "abortable", error: refused });
  kernel.input("a=1", "b=2");
  await kernel.clock.until(() => kernel.outputs().length === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2"]);
  assert.equal(kernel.application.dispatched.length, 1);
  assert.equal(kernel.active.counters.aborts.refused, 1);
});

test("R-7: a commit whose answer is lost is repeated, and counts once", async () => {
  const kernel = await KernelWorld.start(statefulProgram, count);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  kernel.world.script.end.push({ verdict: { kind: "unknown", error: refused }, takesEffect: true });
  kernel.input("a=x", "a=x");
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 2);
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 3);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3"]);
});

for (const takesEffect of [true, false]) {
  const what = takesEffect ? "had committed" : "had not committed";
  test(`R-7: an outcome never learnt is settled by a takeover; the cut ${what}`, async () => {
    const kernel = await KernelWorld.start(statefulProgram, count);
    await kernel.clock.until(() => kernel.world.committed.has("in-0"));
    const unknown = { kind: "unknown", error: refused } as const;
    const fenced = { kind: "fenced", error: refused } as const;
    kernel.world.script.end.push({ verdict: unknown, takesEffect });
    for (let i = 0; i < 30; i++) {
      kernel.world.script.end.push({ verdict: fenced, takesEffect: false });
    }
    kernel.input("a=x", "b=x");
    await kernel.clock.until(() => kernel.world.calls.filter((call) => call === "init").length > 1);
    kernel.world.script.end.length = 0;
    kernel.input("a=x");
    await kernel.clock.until(() => kernel.outputs().length === 3);
    assert.deepEqual(kernel.outputs(), ["a=1", "b=1", "a=2"]);
  });
}

/** Every answer to EndTxn is lost until the kernel asks for a new producer id. */
async function loseOutcome(kernel: KernelWorld): Promise<void> {
  const unknown = { kind: "unknown", error: refused } as const;
  for (let i = 0; i < 30; i++) {
    kernel.world.script.end.push({ verdict: unknown, takesEffect: false });
  }
  await kernel.clock.until(() => kernel.world.calls.at(-1) === "end commit first");
}

test("R-7: a task that is being opened when an outcome stays unknown is opened all the same", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  let stable = (): void => {};
  kernel.world.unstable = new Promise((resolve) => {
    stable = resolve;
  });
  kernel.world.assignment = [0, 1].map((partition) => ({ topic: "in", partition }));
  kernel.world.append({ topic: "in", partition: 1 }, { key: "z", value: "9", timestamp: 1 });
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 1 in-0,in-1"));
  kernel.input("a=1");
  await loseOutcome(kernel);
  await kernel.clock.until(() => kernel.world.calls.at(-1) === "init");
  kernel.world.script.end.length = 0;
  stable();
  await kernel.clock.until(() => kernel.outputs().length === 2);
  assert.deepEqual(kernel.outputs().toSorted(), ["a=1", "z=9"]);
});

test("R-7: a task that was revoked meanwhile is let go, not taken over again", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  kernel.input("a=1");
  await loseOutcome(kernel);
  kernel.world.assignment = [];
  kernel.world.memberEpoch = 2;
  await kernel.clock.until(() => kernel.world.calls.includes("init"));
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 2 "), 30_000);
  assert.deepEqual(kernel.outputs(), []);
});

test("R-6: a member epoch that moved is adopted; the open transaction goes on", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  kernel.world.memberEpoch = 7;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  assert.deepEqual(kernel.active.counters.aborts, {});
  const offsets = kernel.world.calls.filter((call) => call === "offsets in-0=1");
  assert.equal(offsets.length, 2);
});

test("R-6: a revoked partition is acknowledged after its last commit, not before", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  kernel.world.assignment = [];
  kernel.world.memberEpoch = 2;
  await kernel.clock.until(
    () => kernel.world.calls.some((call) => call === "heartbeat 2 -"),
    9_000,
  );
  assert.ok(!kernel.world.calls.includes("heartbeat 2 "));
  kernel.application.release();
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 2 "));
  assert.deepEqual(kernel.outputs(), ["a=1"]);
  const committedAt = kernel.world.calls.lastIndexOf("end commit first");
  assert.ok(committedAt < kernel.world.calls.lastIndexOf("heartbeat 2 "));
});

test("R-6: a task that stopped at a record is let go too when it is revoked", async () => {
  const kernel = await KernelWorld.start(copyProgram, () => {
    throw new Error("never");
  });
  kernel.input("b=bad");
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  await kernel.clock.until(() => !kernel.application.serving);
  kernel.world.assignment = [];
  kernel.world.memberEpoch = 2;
  await kernel.clock.until(() => kernel.world.calls.includes("heartbeat 2 "), 30_000);
});

test("R-6: a lost membership drops what is staged; the next owner starts at the commit", async () => {
  const kernel = await KernelWorld.start(statefulProgram, count);
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  kernel.application.hold = true;
  kernel.input("a=x");
  await kernel.clock.until(() => kernel.application.held.length === 1);
  kernel.world.script.heartbeat.push({ kind: "lost", error: refused });
  const before = kernel.clock.nowMs();
  await kernel.clock.until(() => kernel.clock.nowMs() > before + 5_000);
  kernel.application.release();
  await kernel.clock.until(() => kernel.outputs().length === 2);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
});

test("R-1: a record that fails leaves nothing; its neighbours are done, it is tried again", async () => {
  let failures = 2;
  const kernel = await KernelWorld.start(statefulProgram, (row) => {
    if (row.value === "bad" && failures-- > 0) throw new Error("no");
    return count(row);
  });
  kernel.input("a=x", "a=bad", "a=x");
  await kernel.clock.until(() => kernel.outputs().length === 3);
  assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3"]);
});

test("a record that fails for good stops its task; what came before it is committed", async () => {
  const kernel = await KernelWorld.start(copyProgram, (row) => {
    if (row.value === "bad") throw new Error("never");
    return copy(row);
  });
  kernel.input("a=1", "b=bad", "c=3");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  await kernel.clock.until(() => !kernel.application.serving);
  assert.deepEqual(kernel.outputs(), ["a=1"]);
  assert.equal(kernel.world.committed.get("in-0")?.offset, 1);
});

test("R-2: an output that its topic would refuse fails its record, not the transaction", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.input("a=1", `b=${"x".repeat(450)}`, "c=3");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  await kernel.clock.until(() => !kernel.application.serving);
  assert.deepEqual(kernel.outputs(), ["a=1"]);
  assert.ok(!kernel.world.calls.includes("end abort first"));
  assert.deepEqual(kernel.active.counters.aborts, {});
});

test("R-9: a restart with an empty directory restores the state from the changelog", async () => {
  const first = await KernelWorld.start(statefulProgram, count);
  first.input("a=x", "a=x", "b=x");
  await first.clock.until(() => first.outputs().length === 3);
  await settle(first);
  const { world } = first;
  const second = await KernelWorld.start(statefulProgram, count, {
    world,
    directory: new MemoryDirectory(),
  });
  second.input("a=x", "b=x");
  await second.clock.until(() => second.outputs().length === 5);
  assert.deepEqual(second.outputs().slice(3), ["a=3", "b=2"]);
});

async function restartedWhileCut(...starts: number[]): Promise<KernelWorld> {
  const first = await KernelWorld.start(statefulProgram, count);
  for (const [index, value] of ["a=x", "a=x", "b=x", "a=x"].entries()) {
    first.input(value);
    await first.clock.until(() => first.outputs().length === index + 1);
  }
  await settle(first);
  const { world } = first;
  world.cuts.set("app-state-changelog-0", starts);
  return await KernelWorld.start(statefulProgram, count, {
    world,
    directory: new MemoryDirectory(),
  });
}

test("R-9: a changelog that is cut while it is restored is restored from where it begins now", async () => {
  const second = await restartedWhileCut(2);
  second.input("a=x", "b=x");
  await second.clock.until(() => second.outputs().length === 6);
  assert.deepEqual(second.outputs().slice(4), ["a=4", "b=2"]);
  assert.deepEqual(second.fatal, []);
});

test("R-9: what cannot be read though the log begins before it ends the process", async () => {
  const second = await restartedWhileCut(0);
  await second.clock.until(() => second.fatal.length === 1);
  assert.equal(second.fatal[0]?.code, "OFFSET_OUT_OF_RANGE");
});

test("R-9: the changelog's end is asked for when the stable offsets have been answered", async () => {
  const kernel = await KernelWorld.start(statefulProgram, count);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  const [first, second] = kernel.world.reads;
  assert.deepEqual([first, second], ["committed offsets", "range of app-state-changelog-0"]);
});

test("R-9: offsets that a tool has moved stop a task that has state", async () => {
  const first = await KernelWorld.start(statefulProgram, count);
  first.input("a=x", "a=x");
  await first.clock.until(() => first.outputs().length === 2);
  await settle(first);
  first.world.committed.set("in-0", { offset: 1, leaderEpoch: 0, metadata: "" });
  const second = await KernelWorld.start(statefulProgram, count, first);
  await second.clock.until(() => second.fatal.length > 0);
  assert.equal(second.fatal[0]?.code, "OFFSETS_LOST");
  assert.match(second.fatal[0]?.message ?? "", /in-0 .* was not written by Outrigger/);
});

test("R-9: an application without state goes on from where a tool has put it", async () => {
  const world = new World();
  world.committed.set("in-0", { offset: 2, leaderEpoch: 0, metadata: "by a tool" });
  const kernel = await KernelWorld.start(copyProgram, copy, {
    world,
    directory: new MemoryDirectory(),
  });
  kernel.input("a=1", "b=2", "c=3");
  await kernel.clock.until(() => kernel.outputs().length === 1);
  assert.deepEqual(kernel.outputs(), ["c=3"]);
  assert.equal(world.committed.get("in-0")?.offset, 3);
});

test("R-10: a store that was restored counts as caught up, also before its first commit", async () => {
  const first = await KernelWorld.start(statefulProgram, count);
  first.input("a=x");
  await first.clock.until(() => first.outputs().length === 1);
  await settle(first);
  const directory = new MemoryDirectory();
  const second = await KernelWorld.start(statefulProgram, count, { world: first.world, directory });
  await second.clock.until(() => (directory.disks.get("0_0")?.marks?.caughtUpAtMs ?? 0) > 0);
});

test("a clean stop commits what is final, leaves the group and forgets the member", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  kernel.input("a=1", "b=2");
  await kernel.clock.until(() => kernel.application.dispatched.length === 1);
  await settle(kernel);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2"]);
  assert.ok(kernel.world.calls.includes("heartbeat -1 -"));
  assert.equal(kernel.directory.predecessorMemberId, null);
});

async function settle(kernel: KernelWorld): Promise<void> {
  let stopped = false;
  kernel.active.stop(10_000).then(
    () => {
      stopped = true;
    },
    (error: unknown) => kernel.fatal.push(new OutriggerError("STORE_FAILED", String(error))),
  );
  await kernel.clock.until(() => stopped);
  assert.deepEqual(kernel.fatal, []);
}
