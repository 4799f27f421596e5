import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { DeclaredTopology } from "../../../src/model/topology.ts";
import { type Declared, declareTopology } from "../../../src/runtime/declared.ts";
import { Workers } from "../../../src/runtime/workers.ts";
import { copyProgram, KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

const copy: Handler = ({ key, value }) => ({ outputs: [[key ?? "", value ?? ""]] });

test("P-41: a worker that answers nothing in time is rejected, and its batches go to another", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1", "b=2", "c=3", "d=4");
  await kernel.clock.until(() => kernel.application.held.length === 2);
  const heldSinceMs = kernel.clock.nowMs();
  await kernel.clock.until(() => kernel.application.rejected.length > 0);
  assert.ok(kernel.clock.nowMs() - heldSinceMs >= testLimits.processingTimeoutMs);
  const [rejection] = kernel.application.rejected;
  assert.equal(rejection?.code, "HANDLER_FAILED");
  assert.match(rejection?.message ?? "", /processing\.timeout\.ms/);
  const late = kernel.application.held.splice(0);
  kernel.application.hold = false;
  kernel.connect(2);
  for (const { batch } of late) kernel.application.answer(1, batch);
  await kernel.clock.until(() => kernel.outputs().length === 4);
  assert.deepEqual(kernel.outputs(), ["a=1", "b=2", "c=3", "d=4"]);
});

test("P-41: a worker that answers batch after batch is not overdue, however long it takes", async () => {
  const kernel = await KernelWorld.start(copyProgram, copy);
  kernel.application.hold = true;
  kernel.input("a=1", "b=2", "c=3", "d=4", "e=5", "f=6", "g=7", "h=8", "i=9");
  const stepMs = testLimits.processingTimeoutMs * 0.8;
  for (let answered = 1; answered <= 3; answered++) {
    await kernel.clock.until(() => kernel.application.held.length > 0);
    const untilMs = kernel.clock.nowMs() + stepMs;
    await kernel.clock.until(() => kernel.clock.nowMs() > untilMs);
    const [oldest] = kernel.application.held.splice(0, 1);
    assert.ok(oldest);
    kernel.application.answer(oldest.worker, oldest.batch);
  }
  await kernel.clock.until(() => kernel.outputs().length === 9);
  assert.deepEqual(kernel.application.rejected, []);
});

test("P-41: a worker that hangs in one task is overdue, though it answers batches of others", () => {
  const batch = (task: number, dispatchId: number) => {
    return { taskName: `0_${task}`, taskEpoch: 1, dispatchId };
  };
  const workers = new Workers();
  workers.add(1, 4, 1_000);
  workers.dispatched(1, batch(0, 1), 10, 0);
  workers.dispatched(1, batch(1, 2), 10, 100);
  // Nobody can say that it hangs in the second before it has answered the first.
  workers.returned(1, batch(0, 1), 900);
  for (let nowMs = 1_000; nowMs < 1_900; nowMs += 100) {
    workers.dispatched(1, batch(0, nowMs), 10, nowMs);
    assert.deepEqual(workers.overdue(nowMs, 1_000), [], `at ${nowMs}`);
    workers.returned(1, batch(0, nowMs), nowMs);
  }
  assert.deepEqual(workers.overdue(1_900, 1_000), [1]);
});

describe("P-13: credit", () => {
  const batch = (dispatchId: number) => ({ taskName: "0_0", taskEpoch: 1, dispatchId });

  test("bounds the batches that a worker holds", () => {
    const workers = new Workers();
    workers.add(1, 2, 1_000);
    for (const id of [1, 2]) {
      assert.equal(workers.forTask("0_0"), 1);
      workers.dispatched(1, batch(id), 10, 0);
    }
    assert.equal(workers.forTask("0_0"), null);
    assert.equal(workers.returned(1, batch(1), 0), true);
    assert.equal(workers.forTask("0_0"), 1);
  });

  test("bounds the bytes, but for a worker that holds nothing", () => {
    const workers = new Workers();
    workers.add(1, 4, 100);
    workers.dispatched(1, batch(1), 5_000, 0);
    assert.equal(workers.forTask("0_0"), null);
    workers.returned(1, batch(1), 0);
    assert.equal(workers.forTask("0_0"), 1);
    workers.credit(1, 4, 0);
    assert.equal(workers.forTask("0_0"), 1);
  });

  test("of no batch pauses a worker, which keeps what it holds", () => {
    const workers = new Workers();
    workers.add(1, 4, 100);
    workers.dispatched(1, batch(1), 10, 0);
    workers.credit(1, 0, 0);
    assert.equal(workers.forTask("0_0"), null);
    assert.equal(workers.returned(1, batch(1), 0), true);
    workers.credit(1, 1, 100);
    assert.equal(workers.forTask("0_0"), 1);
  });
});

describe("P-15: the workers of a sidecar", () => {
  const topology: DeclaredTopology = {
    nodes: [
      { name: "in", kind: "source", parents: [], topics: ["in"] },
      { name: "code", kind: "function", parents: ["in"], operation: "map", stores: [] },
      { name: "out", kind: "sink", parents: ["code"], topic: "out" },
    ],
    stores: [],
  };
  const declare = (
    declared: DeclaredTopology,
    known: Declared | null,
    applicationId = "",
  ): Declared => {
    const hello = { topology: declared, applicationId, sdk: "t", creditBatches: 1, creditBytes: 1 };
    return declareTopology(hello, "app", known);
  };
  const isMismatch = (words: RegExp) => (error: unknown) =>
    error instanceof OutriggerError &&
    error.code === "TOPOLOGY_MISMATCH" &&
    words.test(error.message);

  test("declare equal topologies, in whatever order", () => {
    const first = declare(topology, null);
    const reordered = { ...topology, nodes: [...topology.nodes].reverse() };
    assert.equal(declare(reordered, first), first);
  });

  test("are refused with another topology, by both sides' hashes", () => {
    const first = declare(topology, null);
    const nodes = topology.nodes.map((node) =>
      node.kind === "sink" ? { ...node, topic: "elsewhere" } : node,
    );
    assert.throws(
      () => declare({ ...topology, nodes }, first),
      isMismatch(new RegExp(`[0-9a-f]{16}.*${first.hash}`)),
    );
  });

  test("are refused when built for another application.id", () => {
    assert.throws(() => declare(topology, null, "other"), isMismatch(/other.*app/));
    assert.ok(declare(topology, null, "app"));
  });
});

describe("a batch that must be alone", () => {
  const batch = (taskName: string) => ({ taskName, taskEpoch: 1, dispatchId: 1 });

  test("waits until its worker holds nothing, and keeps it from taking anything else", () => {
    const workers = new Workers();
    workers.add(1, 4, 1_000);
    workers.dispatched(1, batch("0_0"), 10, 0);
    assert.equal(workers.forTask("0_1", true), null);
    assert.equal(workers.forTask("0_0"), null, "it is kept for the other task");
    workers.returned(1, batch("0_0"), 0);
    assert.equal(workers.forTask("0_1", true), 1);
    workers.dispatched(1, batch("0_1"), 10, 0);
    assert.equal(workers.forTask("0_0"), null);
    workers.returned(1, batch("0_1"), 0);
    assert.equal(workers.forTask("0_0"), 1);
  });

  test("does not keep a worker when its task is let go", () => {
    const workers = new Workers();
    workers.add(1, 4, 1_000);
    workers.dispatched(1, batch("0_0"), 10, 0);
    assert.equal(workers.forTask("0_1", true), null);
    workers.forgetTask("0_1");
    assert.equal(workers.forTask("0_0"), 1);
  });
});

describe("tasks", () => {
  const batch = (taskName: string) => ({ taskName, taskEpoch: 1, dispatchId: 1 });
  const tasks = ["0_0", "0_1", "0_2", "0_3"];
  const served = (workers: Workers) => tasks.map((task) => workers.forTask(task));

  test("stay with their worker, until another takes its share of them", () => {
    const workers = new Workers();
    workers.add(1, 4, 1_000);
    assert.deepEqual(served(workers), [1, 1, 1, 1]);
    workers.add(2, 4, 1_000);
    assert.deepEqual(served(workers), [2, 2, 1, 1]);
    assert.deepEqual(served(workers), [2, 2, 1, 1]);
    workers.add(3, 4, 1_000);
    assert.deepEqual(served(workers), [3, 2, 1, 1]);
    workers.add(4, 4, 1_000);
    assert.deepEqual(served(workers), [3, 2, 4, 1]);
    workers.add(5, 4, 1_000);
    assert.deepEqual(served(workers), [3, 2, 4, 1], "a difference of one is none to even out");
  });

  test("move when nothing of them is in flight, and take nothing up before", () => {
    const workers = new Workers();
    workers.add(1, 4, 1_000);
    served(workers);
    workers.dispatched(1, batch("0_0"), 10, 0);
    workers.add(2, 4, 1_000);
    assert.equal(workers.forTask("0_0"), null, "its key would be with two workers");
    workers.returned(1, batch("0_0"), 0);
    assert.equal(workers.forTask("0_0"), 2);
  });

  test("do not move to a worker that takes no batches, but as soon as it does", () => {
    const workers = new Workers();
    workers.add(1, 4, 1_000);
    served(workers);
    workers.add(2, 0, 1_000);
    assert.deepEqual(served(workers), [1, 1, 1, 1]);
    workers.credit(2, 4, 1_000);
    assert.deepEqual(served(workers), [2, 2, 1, 1]);
  });
});
