import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TimerColumns } from "../../../src/model/rows.ts";
import { clockNumber, decodeFiring, type TimerClock } from "../../../src/model/timers.ts";
import type { DeclaredNode, Programs } from "../../../src/model/topology.ts";
import type { BatchAnswer, DispatchedBatch } from "../../../src/ports/application.ts";
import { compile } from "../../../src/topology/compile.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import { answerOf } from "../../support/world/scripted-application.ts";

const IN = { topic: "in", partition: 0 };
const FIRED = { topic: "app-wait-timers", partition: 0 };

const wait: DeclaredNode = {
  name: "wait",
  parents: ["in"],
  ...{ kind: "function", operation: "process", stores: [], timers: true },
};

function programsOf(node: DeclaredNode): Programs {
  const nodes: DeclaredNode[] = [
    { name: "in", parents: [], kind: "source", topics: ["in"] },
    node,
    { name: "out", parents: ["wait"], kind: "sink", topic: "out" },
  ];
  return compile({ nodes, stores: [] }, { applicationId: "app" });
}

/** `[key, name, time]`; null cancels. */
type Change = readonly [key: string, name: string, time: number | null, clock?: TimerClock];

function columnsOf(changes: readonly Change[], node = "wait"): TimerColumns {
  const parts: Buffer[] = [];
  let end = 0;
  const span = (text: string): [number, number] => {
    const part = Buffer.from(text);
    parts.push(part);
    end += part.length;
    return [end - part.length, part.length];
  };
  const keys = Int32Array.from(changes.flatMap(([key]) => span(key)));
  const names = Int32Array.from(changes.flatMap(([, name]) => span(name)));
  return {
    node,
    bytes: Buffer.concat(parts),
    ...{ keys, names },
    clocks: Int32Array.from(changes.map(([, , , clock = "streamTime"]) => clockNumber(clock))),
    times: Float64Array.from(changes.map(([, , time]) => time ?? -1)),
  };
}

interface Row {
  readonly key: string | null;
  /** Of a record its value; of a timer its name behind `timer `, of a punctuation behind `beat `. */
  readonly told: string;
  readonly timestamp: number;
}

function rowsOf(batch: DispatchedBatch): Row[] {
  return batch.rows.flatMap(({ source, columns, from, to }) =>
    Array.from({ length: to - from }, (_, index): Row => {
      const row = from + index;
      const [key, value] = [columns.key(row), columns.value(row)];
      const timer = source === 1 ? decodeFiring(value, key) : null;
      const what = timer?.key === null ? "beat" : "timer";
      return {
        key: key?.toString() ?? null,
        told: timer === null ? String(value) : `${what} ${timer.name}`,
        timestamp: columns.timestamps[row] ?? 0,
      };
    }),
  );
}

/** A kernel whose application forwards what it is told of, and changes timers as `change` says. */
async function run(
  node: DeclaredNode,
  change: (row: Row) => readonly Change[],
  before?: Parameters<typeof KernelWorld.start>[2],
): Promise<{ kernel: KernelWorld; batches: Row[][]; fails: Set<string> }> {
  const limits = { ...testLimits, task: { ...testLimits.task, batchRecordsMax: 10 } };
  const batches: Row[][] = [];
  const fails = new Set<string>();
  const kernel = await KernelWorld.start(programsOf(node), () => ({ outputs: [] }), before, limits);
  kernel.application.answerTo = (batch): BatchAnswer => {
    const rows = rowsOf(batch);
    batches.push(rows);
    let at = -1;
    const given = answerOf(batch, () => {
      const row = rows[++at];
      if (row !== undefined && fails.has(row.told)) throw new Error(`no ${row.told}`);
      return { outputs: row === undefined ? [] : [[row.key, `${row.told} ${row.timestamp}`]] };
    });
    const failure = given.failure === null ? null : { ...given.failure, node: "wait" };
    const answer = { ...given, failure };
    const last = new Map<string, Change>();
    for (const row of rows.slice(0, answer.done)) {
      for (const each of change(row)) last.set(`${each[0]} ${each[1]} ${each[3]}`, each);
    }
    return last.size === 0 ? answer : { ...answer, timers: [columnsOf([...last.values()])] };
  };
  return { kernel, batches, fails };
}

const record = (key: string, value: string, timestamp: number) => ({ key, value, timestamp });

async function quiet(kernel: KernelWorld): Promise<void> {
  const untilMs = kernel.clock.nowMs() + 2_000;
  await kernel.clock.until(() => kernel.clock.nowMs() > untilMs);
}

describe("timers", () => {
  test("P-77: two of one key are never in one batch, and the first may cancel the second", async () => {
    const change = ({ key, told }: Row): readonly Change[] => {
      if (told === "set") return ["a", "b", "c"].map((name, n) => [key ?? "", name, 10 + n]);
      return told === "timer a" ? [[key ?? "", "b", null]] : [];
    };
    const first = await run(wait, change);
    const { world, directory } = first.kernel;
    world.append(IN, record("k", "set", 1), record("j", "set", 2), record("k", "x", 50));
    // None of them is handled: whoever comes next finds them all.
    await first.kernel.clock.until(() => first.batches.length > 0);
    first.kernel.application.hold = true;
    await quiet(first.kernel);
    let isStopped = false;
    const stopping = first.kernel.active.stop(1_000).then(() => (isStopped = true));
    await first.kernel.clock.until(() => isStopped);
    await stopping;
    const { kernel, batches } = await run(wait, change, { world, directory });
    await quiet(kernel);
    const fired = batches.filter(([row]) => row?.told.startsWith("timer"));
    assert.ok(
      fired.some((rows) => rows.length > 1),
      "each came alone",
    );
    for (const rows of fired) assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length);
    const told = fired.flat().map((row) => `${row.key} ${row.told}`);
    assert.deepEqual(told.toSorted(), ["j timer a", "j timer c", "k timer a", "k timer c"]);
    assert.equal(world.committed.get("app-wait-timers-0")?.offset, world.log(FIRED).length);
    await kernel.active.stop(1_000);
  });

  test("what waits is in the changelog, and what is handled leaves it", async () => {
    const first = await run(wait, ({ key, told }) => {
      return told === "set"
        ? [
            [key ?? "", "soon", 10],
            [key ?? "", "late", 90],
          ]
        : [];
    });
    first.kernel.world.append(IN, record("k", "set", 1), record("k", "x", 50));
    await quiet(first.kernel);
    await first.kernel.active.stop(1_000);
    const { world } = first.kernel;
    const directory = new MemoryDirectory();
    const { kernel, batches } = await run(wait, () => [], { world, directory });
    kernel.world.append(IN, record("k", "y", 100));
    await quiet(kernel);
    assert.deepEqual(
      batches.flat().map(({ told }) => told),
      ["y", "timer late"],
    );
    assert.equal(directory.disks.get("0_0")?.data.size, 0);
    await kernel.active.stop(1_000);
  });

  test("P-78: a punctuation waits until the last is done with, and what was missed is one call", async () => {
    const punctuators = [{ name: "p", clock: "streamTime", intervalMs: 10 } as const];
    const { kernel, batches } = await run(
      { ...wait, timers: false, punctuators } as never,
      () => [],
    );
    kernel.application.hold = true;
    kernel.world.append(IN, record("k", "x", 5));
    await quiet(kernel);
    kernel.application.release();
    await quiet(kernel);
    assert.deepEqual(
      batches.flat().map(({ told, timestamp }) => [told, timestamp]),
      [
        ["x", 5],
        ["beat p", 5],
      ],
    );
    kernel.application.hold = true;
    kernel.world.append(IN, record("k", "y", 12));
    await quiet(kernel);
    kernel.application.release();
    kernel.application.hold = true;
    await quiet(kernel);
    // The punctuation of 12 is with the application, and stream time goes on.
    kernel.world.append(IN, record("k", "z", 77), record("k", "z", 93));
    await quiet(kernel);
    assert.equal(kernel.application.held.length, 1);
    kernel.application.release();
    await quiet(kernel);
    const beats = batches.flat().filter(({ told }) => told === "beat p");
    assert.deepEqual(
      beats.map(({ timestamp }) => timestamp),
      [5, 12, 93],
    );
    await kernel.active.stop(1_000);
  });

  test("P-78: a punctuation that is given up is followed by the next", async () => {
    const failurePolicy = { retryMax: 0, exhausted: "skip" } as const;
    const punctuators = [{ name: "p", clock: "streamTime", intervalMs: 10 } as const];
    const { kernel, batches, fails } = await run({ ...wait, punctuators } as never, () => []);
    kernel.active.workerCame(2, helloWith(failurePolicy));
    fails.add("beat p");
    kernel.world.append(IN, record("k", "x", 5));
    await quiet(kernel);
    fails.clear();
    kernel.world.append(IN, record("k", "x", 15));
    await quiet(kernel);
    const beats = batches.flat().filter(({ told }) => told === "beat p");
    assert.deepEqual(
      beats.map(({ timestamp }) => timestamp),
      [5, 15],
    );
    await kernel.active.stop(1_000);
  });

  const refused: readonly (readonly [string, TimerColumns, RegExp])[] = [
    [
      "a node that is not in the stage",
      columnsOf([["k", "a", 1]], "other"),
      /"other", which the stage does not/,
    ],
    [
      "a name that is too long",
      columnsOf([["k", "a".repeat(256), 1]]),
      /256 bytes; the limit is 255/,
    ],
    [
      "a key that is too large",
      columnsOf([["k".repeat(1_000), "a", 1]]),
      /takes \d+ bytes with its key/,
    ],
    [
      "a clock that there is not",
      { ...columnsOf([["k", "a", 1]]), clocks: Int32Array.from([3]) },
      /clock 3; it must be/,
    ],
  ];
  for (const [name, columns, said] of refused) {
    test(`P-79: refuses ${name}, as an error of the record`, async () => {
      const { kernel } = await run(wait, () => []);
      const { answerTo } = kernel.application;
      kernel.application.answerTo = (batch) => ({ ...answerTo(batch), timers: [columns] });
      kernel.world.append(IN, record("k", "x", 5));
      await quiet(kernel);
      await quiet(kernel);
      await quiet(kernel);
      const [status] = kernel.active.status().tasks;
      assert.equal(status?.phase, "stopped");
      assert.match(status?.error ?? "", said);
      assert.equal(kernel.world.committed.get("in-0")?.offset ?? 0, 0);
      await kernel.active.stop(1_000);
    });
  }
});

function helloWith(failurePolicy: { readonly retryMax: number; readonly exhausted: "skip" }) {
  const topology = { nodes: [{ ...wait, failurePolicy } as DeclaredNode], stores: [] };
  return { topology, applicationId: "app", sdk: "t", creditBatches: 4, creditBytes: 1_000_000 };
}
