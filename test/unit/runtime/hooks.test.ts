import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Program } from "../../../src/model/topology.ts";
import { HOOK_BATCH_RECORDS_MAX, limitsOf } from "../../../src/runtime/hooks.ts";
import type { RunnerLimits } from "../../../src/runtime/task-host.ts";
import { Workers } from "../../../src/runtime/workers.ts";
import { hookProgram } from "../../../src/topology/hooks.ts";
import {
  copyProgram,
  fromSource,
  handlerStage,
  KernelWorld,
  testLimits,
} from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

const mail: Program = {
  ...hookProgram("mail", "app-mail-hook", 1),
  frame: { source: 1, stage: 1 },
};

const asking: Program = {
  ...copyProgram,
  steps: [
    {
      kind: "stage",
      feeds: [fromSource],
      stage: {
        ...handlerStage,
        exits: [{ kind: "topic", node: "mail", topic: "app-mail-hook", isHook: true }],
      },
    },
  ],
};

test("P-62: requests go where their records are, and none is skipped, whoever comes late", async () => {
  const ran: string[] = [];
  const handler: Handler = ({ key, value }) => {
    if (value !== "done") return { outputs: [[key ?? "", "done"]] };
    ran.push(key ?? "");
    return { outputs: [] };
  };
  const limits = { ...testLimits, autoOffsetReset: "latest" as const };
  const kernel = await KernelWorld.start([asking, mail], handler, undefined, limits);
  const { world, clock } = kernel;
  const at = { topic: "in", partition: 3 };
  const requests = { topic: "app-mail-hook", partition: 1 };
  world.assignment = [at];
  await clock.until(() => world.committed.has("in-3"));
  const records = ["a", "b", "c"].map((key) => ({ key, value: "1", timestamp: 1_000 }));
  world.append(at, ...records);
  await clock.until(() => world.log(requests).length === 3);
  // Only now does anybody read what was asked.
  world.assignment = [at, requests];
  await clock.until(() => world.committed.get("app-mail-hook-1")?.offset === 3);
  assert.deepEqual(ran, ["a", "b", "c"]);
  const stages = kernel.application.dispatched.map(({ batch }) => {
    return `${batch.taskName} ${batch.stage} ${batch.firstSource}`;
  });
  assert.deepEqual([...new Set(stages)], ["0_3 0 0", "1_1 1 1"]);
});

describe("P-62: hooks", () => {
  const none = { messageBytesMax: new Map(), hookPartitions: new Map() };
  const limits: RunnerLimits = { ...testLimits.task, ...none, batchRecordsMax: 500, plannedMax: 8 };
  const batch = (taskName: string, dispatchId = 1) => ({ taskName, taskEpoch: 1, dispatchId });

  test("have one small batch of a task with the application at a time, other code what it had", () => {
    const { batchRecordsMax, plannedMax } = limitsOf(mail, limits);
    assert.deepEqual([batchRecordsMax, plannedMax], [HOOK_BATCH_RECORDS_MAX, 1]);
    assert.equal(limitsOf(mail, { ...limits, batchRecordsMax: 3 }).batchRecordsMax, 3);
    assert.equal(limitsOf(copyProgram, limits), limits);
  });

  test("take half of a worker's credit, and the other half stays for records", () => {
    const workers = new Workers();
    workers.add(1, 4, 1_000);
    for (const task of ["1_0", "1_1"]) {
      assert.equal(workers.forTask(task, false, true), 1);
      workers.dispatched(1, batch(task), 10, 0, true);
    }
    assert.equal(workers.forTask("1_2", false, true), null);
    for (const id of [1, 2]) {
      assert.equal(workers.forTask("0_0"), 1);
      workers.dispatched(1, batch("0_0", id), 10, 0);
    }
    assert.equal(workers.forTask("0_0"), null);
    workers.returned(1, batch("1_0"), 0);
    assert.equal(workers.forTask("1_2", false, true), 1);
  });

  test("get a batch where half of the credit is none", () => {
    const workers = new Workers();
    workers.add(1, 1, 1_000);
    assert.equal(workers.forTask("1_0", false, true), 1);
    workers.dispatched(1, batch("1_0"), 10, 0, true);
    assert.equal(workers.forTask("0_0"), null);
  });
});
