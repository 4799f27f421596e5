import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { ClusterFacts } from "../../../src/model/cluster-facts.ts";
import { Preflight } from "../../../src/runtime/preflight.ts";
import { encodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import { statefulProgram, testLimits } from "../../support/world/kernel-world.ts";
import { soundFacts } from "../checks/facts.ts";

const CHANGELOG = "app-state-changelog";
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What a look finds: the changelog's end, and whether the task's first offset was there. */
function look(end: number, hasCommitted: boolean): ClusterFacts {
  const metadata = encodeOffsetMetadata({
    streamTimeMs: 0,
    commitSequence: 1,
    changelogs: new Map(),
    trial: null,
  });
  return soundFacts({
    committed: hasCommitted ? [{ topic: "in", partition: 0, offset: 0, metadata }] : [],
    logs: new Map([
      ["in-0", { start: 0, end: 9 }],
      [`${CHANGELOG}-0`, { start: 0, end }],
    ]),
  });
}

function preflight(...looks: ClusterFacts[]): Preflight {
  return new Preflight({
    inspector: {
      inspect: async () => {
        const facts = looks.shift();
        if (facts === undefined) throw new Error("nobody looks so often");
        return facts;
      },
    },
    expected: testLimits.expected,
    transactionalId: () => "id",
    log: silent,
    tellsWarnings: true,
  });
}

test("a task that another sidecar began between two questions is no loss of offsets", async () => {
  // The offsets were asked for first, then the end of the changelog: between, both began.
  const facts = await preflight(look(3, false), look(5, true)).check([statefulProgram]);
  assert.equal(facts.committed.length, 1);
});

test("what forbids the start in both looks forbids it", async () => {
  const checked = preflight(look(3, false), look(3, false)).check([statefulProgram]);
  await assert.rejects(checked, (error: unknown) => {
    return error instanceof OutriggerError && error.code === "OFFSETS_LOST";
  });
});

test("a start that nothing forbids needs one look", async () => {
  await preflight(look(3, true)).check([statefulProgram]);
});
