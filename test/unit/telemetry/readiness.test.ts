import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Status, TaskStatus } from "../../../src/ports/status.ts";
import { unreadyReasons } from "../../../src/telemetry/readiness.ts";

const READY: Status = {
  phase: "active",
  workers: 1,
  joined: true,
  unreachable: null,
  abortsInARow: 0,
  refusal: "",
  tasks: [],
};

function task(over: Partial<TaskStatus>): TaskStatus {
  const nothing = { uncommittedBytes: 0, inputBytes: 0, batchesInFlight: 0, lags: [] };
  const rest = { parkedRecords: 0, partition: 0, epoch: 1, restoring: null, error: null };
  const held = { heldBack: [] };
  return { name: "0_0", phase: "running", ...nothing, ...rest, ...held, ...over };
}

function reasons(over: Partial<Status>): string {
  return unreadyReasons({ ...READY, ...over }, 10_000).join("\n");
}

describe("readiness", () => {
  it("has no reason against it while tasks run, or while others have them all", () => {
    assert.equal(reasons({}), "");
    assert.equal(reasons({ tasks: [task({}), task({ phase: "claiming" })] }), "");
  });

  it("names each reason in words", () => {
    assert.match(reasons({ phase: "starting" }), /no broker of bootstrap.servers has answered/);
    assert.match(reasons({ phase: "waiting" }), /no application is connected/);
    assert.match(reasons({ phase: "preparing" }), /topics are checked/);
    assert.match(reasons({ phase: "stopping" }), /^draining/);
    assert.match(reasons({ phase: "stopped" }), /^stopped$/);
    assert.match(reasons({ workers: 0 }), /no application is connected/);
    assert.match(reasons({ joined: false }), /joining the consumer group/);
    assert.match(
      reasons({ abortsInARow: 3, refusal: "NOT_ENOUGH_REPLICAS" }),
      /refused, 3 in a row: NOT_ENOUGH_REPLICAS/,
    );
    const stopped = task({ phase: "stopped", error: "record orders-0@7: TypeError" });
    assert.match(reasons({ tasks: [stopped] }), /^task 0_0 is stopped: record orders-0@7/);
  });

  it("says how far a restoring task is", () => {
    const restoring = { store: "counts", remaining: 1_200 };
    const tasks = [
      task({ phase: "restoring", restoring }),
      task({ phase: "restoring", name: "0_1" }),
    ];
    assert.equal(
      reasons({ tasks }),
      "task 0_0 restores store counts: 1200 changelog offsets are left\n" +
        "task 0_1 is being taken over",
    );
  });

  it("counts tasks when there are many", () => {
    const tasks = Array.from({ length: 8 }, (_, i) => task({ phase: "restoring", name: `0_${i}` }));
    assert.match(reasons({ tasks }), /and 3 more tasks that are restoring$/);
  });

  it("forgives a coordinator that is away for a moment, and one abort", () => {
    const error = "BROKER_UNAVAILABLE";
    assert.equal(reasons({ unreachable: { sinceMs: 8_000, error } }), "");
    assert.match(
      reasons({ unreachable: { sinceMs: 5_000, error } }),
      /no broker has answered for 5 s: BROKER_UNAVAILABLE/,
    );
    assert.equal(reasons({ abortsInARow: 1 }), "");
  });
});
