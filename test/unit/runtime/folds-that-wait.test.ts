import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type {
  DeclaredNode,
  DeclaredStore,
  EmitStrategy,
  Windows,
} from "../../../src/model/topology.ts";
import { compile } from "../../../src/topology/compile.ts";
import { type Adding, adding, long } from "../../support/world/adding.ts";
import type { PlainRecord } from "../../support/world/columns.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { MemoryDirectory } from "../../support/world/memory-directory.ts";
import { aggregate, sink, source, topology } from "../topology/nodes.ts";

const OUT = { topic: "out", partition: 0 };
const IN = { topic: "in", partition: 0 };
const ALL: readonly Windows[] = [
  { kind: "time", sizeMs: 20, advanceMs: 20, graceMs: 15 },
  { kind: "time", sizeMs: 30, advanceMs: 10, graceMs: 15 },
  { kind: "sliding", differenceMs: 20, graceMs: 30 },
  { kind: "session", gapMs: 12, graceMs: 20 },
];
const SIZES = [1, 7, 500];

type Who = "application" | "sum";

function programOf(who: Who, windows: Windows | null, emit: EmitStrategy) {
  const sum: DeclaredNode = {
    ...{ name: "fold", parents: ["in"], kind: "aggregate", aggregator: "sum", number: "int64" },
    ...{ store: "folds", windows, emit },
  };
  const fold = { ...aggregate("fold", "in", "folds", windows), emit } as DeclaredNode;
  const nodes = [source("in", "in"), who === "sum" ? sum : fold, sink("o", "fold", "out")];
  const kind = windows?.kind === "session" ? "session" : windows === null ? "keyValue" : "window";
  const stores: DeclaredStore[] = [{ name: "folds", kind }];
  return compile(topology(nodes, stores), { applicationId: "app" });
}

interface Told extends Adding {
  readonly batchRecordsMax?: number;
  /** Stops after so many records; another process goes on, with the state directory or without. */
  readonly stopsAt?: number;
  readonly keepsDisk?: boolean;
  readonly commitIntervalMs?: number;
  /** Committed before the others are there. */
  readonly first?: readonly PlainRecord[];
}

async function runOf(
  who: Who,
  windows: Windows | null,
  emit: EmitStrategy,
  records: readonly PlainRecord[],
  { batchRecordsMax = 500, stopsAt = 0, keepsDisk = true, ...told }: Told = {},
) {
  const failures = { ...testLimits.task.failures };
  const defaults = { ...failures.defaults, retryMax: 1_000 };
  const task = { ...testLimits.task, batchRecordsMax, failures: { ...failures, defaults } };
  const { commitIntervalMs = 100 } = told;
  const commit = { ...testLimits.lane.commit, commitIntervalMs };
  const limits = { ...testLimits, task, lane: { ...testLimits.lane, commit } };
  const program = programOf(who, windows, emit);
  const start = async (before?: { world: KernelWorld["world"]; directory: MemoryDirectory }) => {
    const kernel = await KernelWorld.start(program, () => ({ outputs: [] }), before, limits);
    kernel.application.answerTo = (batch) => adding(batch, told);
    return kernel;
  };
  const read = async (
    { clock, world }: KernelWorld,
    some: readonly PlainRecord[],
    until: number,
  ) => {
    world.append(IN, ...some);
    await clock.until(() => world.committed.get("in-0")?.offset === until);
  };
  let kernel = await start();
  const first = told.first ?? [];
  if (first.length > 0) await read(kernel, first, first.length);
  if (stopsAt > 0) {
    await read(kernel, records.slice(0, stopsAt), stopsAt);
    await kernel.active.stop(1_000);
    const directory = keepsDisk ? kernel.directory : new MemoryDirectory();
    kernel = await start({ world: kernel.world, directory });
  }
  await read(kernel, records.slice(stopsAt), first.length + records.length);
  // Else it is that of a commit, of which there may be more or fewer.
  const isStamped = emit === "onWindowClose" && windows?.kind !== "session";
  const changelog = new Map(
    kernel.world
      .log({ topic: "app-folds-changelog", partition: 0 })
      .map(({ key, value, timestamp }) => [key, [value, isStamped ? timestamp : null]] as const),
  );
  await kernel.active.stop(1_000);
  // What came and went within a batch may have a tombstone, and no entry.
  const kept = [...changelog].filter(([, [value]]) => value !== null).sort();
  const outputs = kernel.world
    .log(OUT)
    .map(({ headers, ...rest }) => ({ ...rest, headers: headers === "\0" ? "" : headers }));
  return { outputs, changelog: kept };
}

const record = fc.record({
  key: fc.option(fc.constantFrom("a", "b", "ab"), { freq: 9, nil: null }),
  value: fc.option(fc.integer({ min: -9, max: 9 }).map(long), { freq: 9, nil: null }),
  timestamp: fc.integer({ min: 0, max: 150 }),
  headers: fc.constantFrom("\0", "\x02\x02h\x02x"),
});
const whole = fc.record({ ...recordParts(), value: fc.integer({ min: -9, max: 9 }).map(long) });

function recordParts() {
  return {
    key: fc.constantFrom("a", "b", "ab"),
    timestamp: fc.integer({ min: 0, max: 150 }),
    headers: fc.constantFrom("\0", "\x02\x02h\x02x"),
  };
}

for (const windows of ALL) {
  const name =
    windows.kind === "time"
      ? `windows of ${windows.sizeMs} ms each ${windows.advanceMs} ms`
      : `${windows.kind} windows`;

  describe(`P-80: ${name} that an application adds up, on close`, () => {
    // What is none to the application merges sessions all the same in the sidecar's.
    const records = windows.kind === "session" ? whole : record;

    test("are forwarded as those of the sidecar's sum, whatever the batches", async () => {
      const property = fc.asyncProperty(
        fc.array(records, { minLength: 1, maxLength: 40 }),
        async (input) => {
          const theirs = await runOf("sum", windows, "onWindowClose", input);
          for (const batchRecordsMax of SIZES) {
            const told = { batchRecordsMax };
            const ours = await runOf("application", windows, "onWindowClose", input, told);
            assert.deepEqual(ours, theirs);
          }
        },
      );
      await fc.assert(property, { numRuns: 15 });
    });

    test("and with a restart in between, with its disk or without, and rows that fail", async () => {
      const property = fc.asyncProperty(
        fc.array(records, { minLength: 2, maxLength: 25 }),
        fc.nat(),
        fc.boolean(),
        fc.infiniteStream(fc.nat(8)),
        async (input, at, keepsDisk, dice) => {
          const theirs = await runOf("sum", windows, "onWindowClose", input);
          const stopsAt = 1 + (at % (input.length - 1));
          const fails = (): boolean => dice.next().value === 0;
          const told = { stopsAt, keepsDisk, fails };
          const ours = await runOf("application", windows, "onWindowClose", input, told);
          assert.deepEqual(ours, theirs);
        },
      );
      await fc.assert(property, { numRuns: 15 });
    });

    test("a window that the application ends is not forwarded, whatever the batches", async () => {
      const ends = (sum: number): boolean => sum % 3 === 0;
      const property = fc.asyncProperty(
        fc.array(whole, { minLength: 1, maxLength: 30 }),
        async (input) => {
          const told = { ends, batchRecordsMax: 1 };
          const one = await runOf("application", windows, "onWindowClose", input, told);
          for (const batchRecordsMax of SIZES.slice(1)) {
            const many = { ends, batchRecordsMax };
            const ours = await runOf("application", windows, "onWindowClose", input, many);
            assert.deepEqual(ours.outputs, one.outputs);
          }
          for (const { value } of one.outputs) assert.notEqual(value, null);
        },
      );
      await fc.assert(property, { numRuns: 15 });
    });
  });
}

describe("P-80: what an application adds up, once per commit", () => {
  for (const windows of [null, ...ALL]) {
    test(`is as the sidecar's sum: ${windows?.kind ?? "over all time"}`, async () => {
      const property = fc.asyncProperty(
        fc.array(whole, { minLength: 1, maxLength: 30 }),
        async (input) => {
          // The first commit comes at once, and the second has it all.
          const one = { key: "first", value: long(1), timestamp: 0, headers: "\0" };
          const told = { commitIntervalMs: 50_000, first: [one] };
          const theirs = await runOf("sum", windows, "onCommit", input, told);
          const ours = await runOf("application", windows, "onCommit", input, told);
          assert.deepEqual(ours, theirs);
          const keys = ours.outputs.map(({ key }) => key);
          assert.equal(new Set(keys).size, keys.length);
        },
      );
      await fc.assert(property, { numRuns: 10 });
    });
  }
});

describe("P-80: what waits in an application's windows", () => {
  const windows = ALL[0] as Windows;
  const add = (key: string, timestamp: number, value = 1): PlainRecord => {
    return { key, value: long(value), timestamp, headers: "\0" };
  };
  const said = (log: readonly Pick<PlainRecord, "key" | "value" | "timestamp">[]): string[] =>
    log.map(({ key, value, timestamp }) => {
      const sum = Buffer.from(value ?? "", "latin1").readBigInt64BE();
      return `${key?.slice(0, 1)}=${sum} at ${timestamp}`;
    });

  test("begins anew, and with new times, where the application has ended it", async () => {
    const ends = (sum: number): boolean => sum === 3;
    const records = [add("a", 19), add("a", 18, 2), add("a", 4), add("b", 60), add("b", 120)];
    for (const batchRecordsMax of [1, 2, 3, 500]) {
      const told = { ends, batchRecordsMax };
      const { outputs } = await runOf("application", windows, "onWindowClose", records, told);
      assert.deepEqual(said(outputs), ["a=1 at 4", "b=1 at 60"]);
    }
  });

  test("closes by the wall clock, where the stream falls quiet", async () => {
    const program = programOf("application", windows, "onWindowClose");
    const limits = { ...testLimits, streamTimeIdleMs: 400 };
    const kernel = await KernelWorld.start(program, () => ({ outputs: [] }), undefined, limits);
    kernel.application.answerTo = (batch) => adding(batch);
    kernel.world.append(IN, add("a", 10), add("a", 3), add("b", 12));
    await kernel.clock.until(() => kernel.world.log(OUT).length > 0);
    assert.deepEqual(said(kernel.world.log(OUT)), ["a=2 at 10", "b=1 at 12"]);
    await kernel.active.stop(1_000);
  });

  test("closes at a record that has no key", async () => {
    const records = [add("a", 10), { ...add("a", 100), key: null }];
    const { outputs } = await runOf("application", windows, "onWindowClose", records);
    assert.deepEqual(said(outputs), ["a=1 at 10"]);
  });

  test("goes to each node behind it, and to a topic per key once where it is written per commit", async () => {
    for (const emit of ["onWindowClose", "onCommit"] as const) {
      const fold = { ...aggregate("fold", "in", "folds", windows), emit } as DeclaredNode;
      const nodes = [source("in", "in"), fold, sink("o", "fold", "out"), sink("p", "fold", "out2")];
      const declared = topology(nodes, [{ name: "folds", kind: "window" }]);
      const program = compile(declared, { applicationId: "app" });
      const kernel = await KernelWorld.start(program, () => ({ outputs: [] }));
      // Of what is written per commit each node has what is written for it.
      const own = (sum: string, exit: number): string =>
        exit === 1 && emit === "onCommit" ? `${sum.slice(0, 7)}!` : sum;
      kernel.application.answerTo = (batch) => adding(batch, { exits: 2, said: own });
      kernel.world.append(IN, add("a", 10), add("a", 12), add("a", 13));
      kernel.world.append(IN, add("b", 100));
      await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 4);
      const logs = ["out", "out2"].map((topic) => kernel.world.log({ topic, partition: 0 }));
      const [first, second] = logs.map(said);
      const other = emit === "onCommit" ? "a=33 at 13" : "a=3 at 13";
      assert.deepEqual([first?.[0], second?.[0]], ["a=3 at 13", other]);
      assert.equal(second?.length, first?.length);
      assert.equal(first?.length, emit === "onCommit" ? 2 : 1);
      await kernel.active.stop(1_000);
    }
  });

  test("is refused, by name, where a sink writes it otherwise than the store has it", async () => {
    const { task } = testLimits;
    const defaults = { ...task.failures.defaults, retryMax: 0 };
    const limits = { ...testLimits, task: { ...task, failures: { ...task.failures, defaults } } };
    for (const [kind, answer] of [
      ["values", { said: () => "text" }],
      ["outputs", { exits: 0 }],
    ] as const) {
      const program = programOf("application", windows, "onWindowClose");
      const kernel = await KernelWorld.start(program, () => ({ outputs: [] }), undefined, limits);
      kernel.application.answerTo = (batch) => adding(batch, answer);
      kernel.world.append(IN, add("a", 10));
      const error = () => kernel.active.status().tasks[0]?.error;
      await kernel.clock.until(() => typeof error() === "string");
      const wanted = kind === "values" ? /"o" writes keys or values of "fold"/ : /forwards nothing/;
      assert.match(error() ?? "", wanted);
      assert.deepEqual(kernel.world.log(OUT), []);
      await kernel.active.stop(1_000);
    }
  });
});
