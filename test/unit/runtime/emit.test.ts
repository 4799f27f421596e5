import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  DeclaredNode,
  DeclaredStore,
  EmitStrategy,
  Windows,
} from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import type { PlainRecord } from "../../support/world/columns.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";

const WINDOWS: Windows = { kind: "time", sizeMs: 1_000, advanceMs: 1_000, graceMs: 500 };
const AT = { topic: "in", partition: 0 };
const none = () => ({ outputs: [] });

function countOf(windows: Windows | null, emit: EmitStrategy): DeclaredNode {
  const aggregate = { aggregator: "count", store: "counts", windows, emit } as const;
  return { name: "count", parents: ["in"], kind: "aggregate", ...aggregate };
}

async function worldOf(
  nodes: readonly DeclaredNode[],
  batchRecordsMax: number,
  streamTimeIdleMs: number | null = null,
) {
  const declared = {
    nodes: [
      { name: "in", parents: [], kind: "source", topics: ["in"] } as const,
      ...nodes,
      { name: "out", parents: [nodes.at(-1)?.name ?? ""], kind: "sink", topic: "out" } as const,
    ],
    stores: nodes.flatMap((node): DeclaredStore[] => {
      if (node.kind === "suppress") return [{ name: node.store, kind: "buffer" } as const];
      if (node.kind !== "aggregate") return [];
      const kind = node.windows === null ? "keyValue" : "window";
      return [{ name: node.store, kind } as const];
    }),
  };
  const [program] = compile(declared, { applicationId: "app" });
  const task = { ...testLimits.task, batchRecordsMax };
  const kernel = await KernelWorld.start(program, none, undefined, {
    ...testLimits,
    task,
    streamTimeIdleMs,
  });
  const { world, clock } = kernel;
  world.assignment = [AT];
  await clock.until(() => world.committed.has("in-0"));
  return { ...kernel, kernel, world, clock };
}

const record = (key: string, timestamp: number): PlainRecord => ({ key, value: "x", timestamp });

const said = (log: readonly PlainRecord[]): string[] =>
  log.map(({ key, value, timestamp }) => {
    const bytes = Buffer.from(key ?? "", "latin1");
    const window = bytes.length > 8 ? `@${bytes.readBigInt64BE(bytes.length - 8)}` : "";
    const count = Buffer.from(value ?? "", "latin1").readBigInt64BE();
    return `${bytes.subarray(0, 1)}${window}=${count} at ${timestamp}`;
  });

describe("P-80: emit on commit", () => {
  test("each key that a cut changed is forwarded once, with its last value, by first change", async () => {
    for (const batchRecordsMax of [1, 500]) {
      const { world, clock } = await worldOf([countOf(null, "onCommit")], batchRecordsMax);
      const keys = ["b", "a", "b", "a", "b", "c"];
      world.append(AT, ...keys.map((key, index) => record(key, 1_000 + index)));
      await clock.until(() => world.committed.get("in-0")?.offset === 6);
      const log = said(world.log({ topic: "out", partition: 0 }));
      if (batchRecordsMax === 500) {
        assert.deepEqual(log, ["b=3 at 1004", "a=2 at 1003", "c=1 at 1005"]);
      }
      // However many cuts there were: the last of each key is right, and none is said twice.
      assert.equal(new Set(log).size, log.length);
      for (const last of ["b=3 at 1004", "a=2 at 1003", "c=1 at 1005"])
        assert.ok(log.includes(last));
      world.append(AT, record("a", 1_009));
      await clock.until(() => world.committed.get("in-0")?.offset === 7);
      assert.deepEqual(said(world.log({ topic: "out", partition: 0 })), [...log, "a=3 at 1009"]);
    }
  });
});

describe("P-80: emit on window close", () => {
  test("a window is forwarded once, by the record that closes it, with its latest time", async () => {
    const { world, clock } = await worldOf([countOf(WINDOWS, "onWindowClose")], 500);
    world.append(AT, record("b", 10_900), record("a", 10_100), record("b", 10_200));
    await clock.until(() => world.committed.get("in-0")?.offset === 3);
    assert.deepEqual(world.log({ topic: "out", partition: 0 }), []);
    world.append(
      AT,
      record("c", 11_499),
      record("a", 10_300),
      record("c", 11_500),
      record("a", 10_400),
    );
    await clock.until(() => world.committed.get("in-0")?.offset === 7);
    const closed = ["a@10000=2 at 10300", "b@10000=2 at 10900"];
    assert.deepEqual(said(world.log({ topic: "out", partition: 0 })), closed);
    world.append(AT, record("c", 12_500));
    await clock.until(() => world.committed.get("in-0")?.offset === 8);
    const all = [...closed, "c@11000=2 at 11500"];
    assert.deepEqual(said(world.log({ topic: "out", partition: 0 })), all);
  });
});

describe("P-81, P-82, P-83: suppress", () => {
  const suppress = (until: "windowCloses" | "timeLimit", maxRecords?: number): DeclaredNode => ({
    name: "suppress",
    parents: ["count"],
    kind: "suppress",
    store: "suppress-store",
    until: until === "timeLimit" ? { kind: until, waitMs: 100 } : { kind: until },
    buffer: {
      ...(maxRecords === undefined ? {} : { maxRecords }),
      whenFull: until === "timeLimit" ? "emitEarly" : "shutDown",
    },
  });
  const count = (windows: Windows | null): DeclaredNode => {
    const aggregate = { aggregator: "count", store: "counts", windows } as const;
    return { name: "count", parents: ["in"], kind: "aggregate", ...aggregate };
  };

  test("what a buffer holds is in the task's status, also behind a takeover", async () => {
    const nodes = [count(WINDOWS), suppress("windowCloses")];
    const { kernel, world, clock } = await worldOf(nodes, 2);
    const heldBack = () => kernel.active.status().tasks[0]?.heldBack;
    assert.deepEqual(heldBack(), [{ node: "suppress", records: 0, bytes: 0 }]);
    world.append(AT, ...["a", "b", "a", "c"].map((key) => record(key, 10_000)));
    await clock.until(() => world.committed.get("in-0")?.offset === 4);
    // Key, window and time in the buffer; timestamp, length, no headers, flag and count.
    const bytes = 3 * (1 + 8 + 8 + (8 + 4 + 1 + 1 + 8));
    assert.deepEqual(heldBack(), [{ node: "suppress", records: 3, bytes }]);
    world.assignment = [];
    await clock.until(() => kernel.active.status().tasks.length === 0);
    world.assignment = [AT];
    await clock.until(() => kernel.active.status().tasks[0]?.phase === "running");
    assert.deepEqual(heldBack(), [{ node: "suppress", records: 3, bytes }]);
    world.append(AT, record("d", 11_500));
    await clock.until(() => world.committed.get("in-0")?.offset === 5);
    assert.equal(heldBack()?.[0]?.records, 1);
  });

  test("a buffer that may not hold more stops its task in front of the record", async () => {
    const nodes = [count(WINDOWS), suppress("windowCloses", 2)];
    const { world, clock } = await worldOf(nodes, 500);
    world.append(AT, ...["a", "b", "a", "c", "d"].map((key) => record(key, 10_000)));
    await clock.until(() => world.committed.get("in-0")?.offset === 3);
    assert.equal(world.committed.get("in-0")?.offset, 3);
  });

  test("a limit of time counts from the first update, and a full buffer lets go of the eldest", async () => {
    const { world, clock } = await worldOf([count(null), suppress("timeLimit", 2)], 500);
    const at = [
      ["a", 0],
      ["b", 10],
      ["a", 50],
      ["c", 60],
      ["b", 109],
      ["b", 110],
    ] as const;
    world.append(AT, ...at.map(([key, time]) => record(key, 1_000 + time)));
    await clock.until(() => world.committed.get("in-0")?.offset === at.length);
    const log = said(world.log({ topic: "out", partition: 0 }));
    assert.deepEqual(log, ["a=2 at 1050", "b=3 at 1110"]);
  });
});

describe("P-84: a stream that falls quiet", () => {
  const count = countOf(WINDOWS, "onWindowClose");

  test("closes its windows by the wall clock, and what comes then is late", async () => {
    const { world, clock } = await worldOf([count], 500, 400);
    world.append(AT, record("a", 10_000), record("b", 10_200));
    const out = (): string[] => said(world.log({ topic: "out", partition: 0 }));
    await clock.until(() => world.committed.get("in-0")?.offset === 2);
    const readAtMs = clock.nowMs();
    await clock.until(() => out().length > 0);
    assert.deepEqual(out(), ["a@10000=1 at 10000", "b@10000=1 at 10200"]);
    // Stream time was 10_200, and the window closes at 11_500.
    assert.ok(clock.nowMs() - readAtMs >= 1_300, "not before its time");
    world.append(AT, record("a", 10_900), record("a", 12_600), record("a", 14_000));
    await clock.until(() => world.committed.get("in-0")?.offset === 5);
    assert.deepEqual(out().slice(2), ["a@12000=1 at 12600"]);
  });

  test("stands still where nothing waits", async () => {
    const { world, clock } = await worldOf([count], 500, 400);
    await clock.until(() => clock.nowMs() > 20_000);
    const idle = world.committed.get("in-0");
    await clock.until(() => clock.nowMs() > 40_000);
    // Nothing waits: nothing was committed.
    assert.equal(world.committed.get("in-0"), idle);
  });
});
