import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeartbeatRequest } from "../../../src/ports/consumer.ts";
import { Kernel } from "../../../src/runtime/kernel.ts";
import {
  copyProgram,
  KernelWorld,
  kernelParts,
  testLimits,
} from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import { ScriptedApplication } from "../../support/world/scripted-application.ts";
import { World } from "../../support/world/world.ts";

test("R-15: a predecessor that died is sent its leave, once the group can be reached", async () => {
  const requests: HeartbeatRequest[] = [];
  const kernel = await KernelWorld.start(copyProgram, () => ({ outputs: [] }));
  const directory = new MemoryDirectory();
  directory.predecessorMemberId = "dead";
  const parts = kernelParts(kernel, {
    directory,
    group: {
      heartbeat: async (request) => {
        requests.push(request);
        const error = new Error("no coordinator yet");
        if (requests.length === 1) return { kind: "retriable", error: error as never };
        return { kind: "member", memberEpoch: -1, heartbeatIntervalMs: 0, assignment: null };
      },
    },
  });
  // What the cluster is checked for comes after the leave, and finds no cluster here.
  const application = new ScriptedApplication(() => ({ outputs: [] }));
  await assert.rejects(new Kernel(parts, testLimits).start(application), /no cluster to look at/);
  const said = requests.map(({ memberId, memberEpoch }) => `${memberId} ${memberEpoch}`);
  assert.deepEqual(said, ["dead -1", "dead -1"]);
  assert.equal(directory.predecessorMemberId, null);
});

test("R-15: the own member id is in the directory before the group is joined", async () => {
  const kernel = await KernelWorld.start(copyProgram, () => ({ outputs: [] }));
  await kernel.clock.until(() => kernel.world.committed.has("in-0"));
  assert.equal(kernel.directory.predecessorMemberId, "member-1");
});

test("R-15: a member that is given nothing at first asks again soon, and not for ever", async () => {
  const nothing = {
    kind: "member",
    memberEpoch: 1,
    heartbeatIntervalMs: 5_000,
    assignment: [],
  } as const;
  const copy = () => ({ outputs: [] });
  const soon = new World();
  soon.script.heartbeat.push(nothing, nothing, nothing);
  const before = { world: soon, directory: new MemoryDirectory() };
  const kernel = await KernelWorld.start(copyProgram, copy, before);
  await kernel.clock.until(() => soon.committed.has("in-0"));
  assert.ok(kernel.clock.nowMs() < 1_000, `its partition came after ${kernel.clock.nowMs()} ms`);

  const never = new World();
  for (let i = 0; i < 60; i++) never.script.heartbeat.push(nothing);
  const other = { world: never, directory: new MemoryDirectory() };
  const idle = await KernelWorld.start(copyProgram, copy, other);
  await idle.clock.until(() => idle.clock.nowMs() > 60_000);
  const beats = never.calls.filter((call) => call.startsWith("heartbeat")).length;
  assert.ok(beats < 50, `${beats} heartbeats in a minute for no partition`);
});
