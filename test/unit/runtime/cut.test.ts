import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operator, Program } from "../../../src/model/topology.ts";
import type { TransactionalProducer } from "../../../src/ports/producer.ts";
import { appendCut, type Cut, restageTask, takeCut } from "../../../src/runtime/cut.ts";
import type { TaskRunner } from "../../../src/runtime/task-runner.ts";
import {
  copyProgram,
  countingProgram,
  fromSource,
  handlerStage,
  KernelWorld,
  statefulProgram,
  testLimits,
} from "../../support/world/kernel-world.ts";
import type { Handler } from "../../support/world/scripted-application.ts";

const AT_ONCE = 5;
const NO_HEADERS = "\0";
const HEADERS = "\x02\x02h\x02x";
const IN = { topic: "in", partition: 0 };
const copy: Handler = ({ key, value }) => ({ outputs: [[key ?? "", value ?? ""]] });
const keep: Handler = ({ key }) => ({ outputs: [], state: key ?? "" });

const sumUp: Handler = ({ key, value }) => ({
  outputs: [[key ?? "", value ?? ""]],
  state: value ?? "",
});

const count: Operator = {
  kind: "count",
  node: "count",
  store: 0,
  windows: null,
  takes: "valued",
};
const sink = { kind: "topic", node: "sink", topic: "out", isHook: false } as const;
/** What is counted goes to a topic as it is. */
const countedProgram: Program = {
  ...countingProgram,
  steps: [
    { kind: "operator", feeds: [fromSource], operator: count },
    { kind: "sink", feeds: [{ from: "step", step: 0, exit: 0 }], exit: sink },
  ],
};
/** Of each key the last answer of a commit goes on. */
const oncePerCommitProgram: Program = {
  ...statefulProgram,
  steps: [
    {
      kind: "stage",
      feeds: [fromSource],
      stage: {
        ...handlerStage,
        isOncePerCommit: true,
        stores: [{ store: 0, windows: null }],
        exits: [{ kind: "onward", node: "sink" }],
      },
    },
    {
      kind: "sink",
      feeds: [{ from: "step", step: 0, exit: 0 }],
      exit: sink,
      isOncePerCommit: true,
    },
  ],
};

/** A kernel that has committed once and will not do so again, with so many batches of a record ready. */
async function readyToCut(
  program: Program,
  handler: Handler,
  batches: number,
  headers = NO_HEADERS,
): Promise<{ kernel: KernelWorld; runner: TaskRunner; read: Set<unknown> }> {
  const { task, lane } = testLimits;
  const commit = { commitIntervalMs: 1_000_000, stagedBytesMax: 1_000_000 };
  const limits = {
    ...testLimits,
    task: { ...task, batchRecordsMax: 1 },
    lane: { ...lane, commit, appendedAtOnce: AT_ONCE },
  };
  const kernel = await KernelWorld.start(program, handler, undefined, limits);
  /** The columns of everything that the kernel was given to read, and their bytes. */
  const read = new Set<unknown>();
  kernel.world.listen({
    fetched: (chunk, facts) => {
      read.add(chunk.columns).add(chunk.columns.bytes);
      kernel.active.fetched(chunk, facts);
    },
    empty: (...fetch) => kernel.active.empty(...fetch),
    failed: (...failure) => kernel.active.readFailed(...failure),
  });
  kernel.input("first=0");
  await kernel.clock.until(() => kernel.world.committed.get("in-0")?.offset === 1);
  const [runner] = kernel.active.insides().tasks.all();
  assert.ok(runner !== undefined);
  read.clear();
  const record = (_: unknown, i: number) => ({
    key: `k${i % 7}`,
    value: `${i}`,
    timestamp: i,
    headers,
  });
  kernel.world.append(IN, ...Array.from({ length: batches }, record));
  const isReady = (): boolean => runner.ledger.last()?.item.taken.nextOffset === batches + 1;
  await kernel.clock.until(() => isReady() && runner.ledger.unfinished === 0);
  return { kernel, runner, read };
}

/** Whether any of `things` can be reached from here. */
function reaches(from: unknown, things: ReadonlySet<unknown>): boolean {
  const seen = new Set<unknown>();
  const open = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (things.has(next)) return true;
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    if (ArrayBuffer.isView(next)) continue;
    seen.add(next);
    if (next instanceof Map) open.push(...next.values());
    open.push(...Object.values(next).filter((value) => value !== undefined && value !== null));
  }
  return false;
}

function appended(cut: Cut): number[] {
  const stops: number[] = [];
  for (const _ of appendCut(cut, AT_ONCE)) stops.push(cut.records.records);
  return stops;
}

function taken(runner: TaskRunner, { world }: KernelWorld): Cut {
  const producer: TransactionalProducer = world.createProducer();
  return takeCut([runner], producer.begin());
}

for (const [what, program, handler, headers] of [
  ["what the sidecar counted", countedProgram, copy, NO_HEADERS],
  ["code behind a count", countingProgram, copy, NO_HEADERS],
  ["code of which outputs have no headers", copyProgram, copy, NO_HEADERS],
  ["code that keeps state alone", statefulProgram, keep, HEADERS],
  ["each key's last answer", oncePerCommitProgram, sumUp, NO_HEADERS],
] as const) {
  test(`a cut of ${what} holds nothing that was read, and is the same when it is cut again`, async () => {
    const { kernel, runner, read } = await readyToCut(program, handler, 20, headers);
    assert.ok(read.size > 0);
    const cut = taken(runner, kernel);
    const [task] = cut.tasks;
    assert.ok(task !== undefined);
    assert.equal(task.batches.length, 20);
    assert.equal(reaches(task.batches, read), false);
    const stops = appended(cut);
    restageTask(task);
    const again = taken(runner, kernel);
    assert.deepEqual(appended(again), stops);
    assert.deepEqual(again.records, cut.records);
    assert.deepEqual(again.tasks[0]?.positions, task.positions);
    assert.equal(again.tasks[0]?.streamTimeMs, task.streamTimeMs);
  });
}

test("the pieces of a large cut grow: twice the records take but two more of them", async () => {
  const stopsOf = async (batches: number): Promise<number[]> => {
    const { kernel, runner } = await readyToCut(copyProgram, copy, batches);
    return appended(taken(runner, kernel));
  };
  const stops = await stopsOf(400);
  const half = await stopsOf(200);
  for (const [i, stop] of stops.entries()) {
    const before = i === 0 ? 0 : (stops[i - 1] ?? 0);
    const piece = Math.max(AT_ONCE, Math.ceil(before / 2));
    assert.equal(stop - before, piece, `piece ${i} behind ${before} records`);
  }
  assert.ok(stops.length - half.length <= 2, `${half.length} of 200, ${stops.length} of 400`);
});
