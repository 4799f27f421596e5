import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DispatchedBatch } from "../../../src/ports/application.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { compile } from "../../../src/topology/compile.ts";
import { KernelWorld, testLimits } from "../../support/world/kernel-world.ts";
import { answerOf, type Handler } from "../../support/world/scripted-application.ts";
import { count, functionNode, keyValueStore, sink, source, topology } from "../topology/nodes.ts";

const nodes = (stores: readonly string[]) => [
  source("in", "in"),
  functionNode("split", "flatMapValues", ["in"]),
  count("count", "split", "counts", null),
  functionNode("label", "process", ["count"], stores),
  sink("out", "label", "out"),
];

/** Rows of each record, as many as its value says, are counted, and each count is sent on. */
const [labelled] = compile(topology(nodes([]), [keyValueStore("counts")]), {
  applicationId: "app",
});
/** The second hop also keeps what it has sent. */
const [kept] = compile(
  topology(nodes(["sent"]), [keyValueStore("counts"), keyValueStore("sent")]),
  { applicationId: "app" },
);

const split: Handler = ({ key, value }) => ({
  outputs: Array.from({ length: Number(value) }, () => [key ?? "", "row"] as const),
});

function countIn(value: string | null): string {
  return String(Buffer.from(value ?? "", "latin1").readBigInt64BE());
}

const label: Handler = ({ key, value }) => ({ outputs: [[key ?? "", countIn(value)]] });

/** Everything that it sent for the key so far. */
const keep: Handler = ({ key, value, state }) => {
  const next = `${state ?? ""}${countIn(value)}`;
  return { outputs: [[key ?? "", next]], state: next };
};

const { task } = testLimits;
const withLetters: KernelLimits = {
  ...testLimits,
  task: { ...task, failures: { ...task.failures, deadLetterTopic: "dead" } },
};

async function start(second: Handler, program = labelled, limits = withLetters) {
  const kernel = await KernelWorld.start(program, split, undefined, limits);
  kernel.application.answerTo = (batch) => answerOf(batch, batch.stage === 0 ? split : second);
  return kernel;
}

const stagesIn = ({ application }: KernelWorld): number[] =>
  application.dispatched.map(({ batch }) => batch.stage);

const countsIn = ({ directory }: KernelWorld): string[] =>
  [...(directory.disks.get("0_0")?.data ?? [])]
    .filter(([key]) => key.startsWith("0/"))
    .map(([key, value]) => `${key.slice(2)}=${value.readBigInt64BE()}`)
    .sort();

const letters = ({ world }: KernelWorld): string[] =>
  world.log({ topic: "dead", partition: 0 }).map(({ key, value }) => `${key}=${value}`);

const committed = (kernel: KernelWorld, offset: number) => (): boolean =>
  kernel.world.committed.get("in-0")?.offset === offset;

/** The next batch that waits for an answer, which is to be at this stage. */
async function held(kernel: KernelWorld, stage: number) {
  const { application, clock } = kernel;
  await clock.until(() => application.held.length > 0);
  const next = application.held.shift();
  assert.equal(next?.batch.stage, stage);
  return next as { worker: number; batch: DispatchedBatch };
}

test("a batch goes on from hop to hop, and all of it is committed at once", async () => {
  const kernel = await start(keep, kept);
  kernel.input("a=2", "b=0", "a=1");
  await kernel.clock.until(committed(kernel, 3));
  assert.deepEqual(kernel.outputs(), ["a=1", "a=12", "a=123"]);
  assert.deepEqual(stagesIn(kernel), [0, 1]);
  assert.deepEqual(countsIn(kernel), ["a=3"]);
  // Three outputs, and the last value of each store.
  const produced = kernel.world.calls.filter((call) => call.startsWith("produce"));
  assert.deepEqual(produced, ["produce 5"]);
});

test("what the first hop has changed is seen by the second, in the same record and the next", async () => {
  const [shared] = compile(
    topology(
      [
        source("in", "in"),
        functionNode("f", "processValues", ["in"], ["s"]),
        count("count", "f", "counts", null),
        functionNode("g", "process", ["count"], ["s"]),
        sink("out", "g", "out"),
      ],
      [keyValueStore("counts"), keyValueStore("s")],
    ),
    { applicationId: "app" },
  );
  const appending =
    (text: string): Handler =>
    ({ key, state }) => {
      const next = `${state ?? ""}${text}`;
      return { outputs: [[key ?? "", next]], state: next };
    };
  const kernel = await start(appending("g"), shared);
  const second = kernel.application.answerTo;
  kernel.application.answerTo = (batch) =>
    batch.stage === 0 ? answerOf(batch, appending("f")) : second(batch);
  kernel.input("a=1", "a=1", "b=1");
  await kernel.clock.until(committed(kernel, 3));
  assert.deepEqual(kernel.outputs(), ["a=fg", "a=fgfg", "b=fg"]);
  assert.equal(kernel.directory.disks.get("0_0")?.data.get("1/a")?.toString(), "fgfg");
});

describe("a row that fails at the second hop", () => {
  test("is its input record's failure: that one is dead-lettered, its neighbours are done once", async () => {
    const kernel = await start((row) => {
      if (row.key === "bad") throw new TypeError("it is bad");
      return label(row);
    });
    // More rows than records before it in its batch, then fewer.
    kernel.input("a=2", "a=2", "bad=2", "b=0", "b=0", "bad=1", "c=1", "b=1");
    await kernel.clock.until(committed(kernel, 8));
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3", "a=4", "c=1", "b=1"]);
    assert.deepEqual(letters(kernel), ["bad=2", "bad=1"]);
    assert.deepEqual(countsIn(kernel), ["a=4", "b=1", "c=1"]);
    const { batch } = kernel.application.dispatched[0] ?? {};
    assert.equal(batch?.rows[0]?.to, 3);
  });

  test("is tried again from the first step, and counts once", async () => {
    let failures = 2;
    const kernel = await start((row) => {
      if (row.key === "b" && failures-- > 0) throw new TypeError("not now");
      return keep(row);
    }, kept);
    kernel.input("a=1", "b=2", "a=1", "b=1");
    await kernel.clock.until(committed(kernel, 4));
    assert.deepEqual(kernel.outputs(), ["a=1", "b=1", "b=12", "a=12", "b=123"]);
    assert.deepEqual(countsIn(kernel), ["a=2", "b=3"]);
    assert.deepEqual(letters(kernel), []);
  });

  test("as an answer that does not fit is found by halves", async () => {
    const kernel = await start(label);
    const { application } = kernel;
    const fits = application.answerTo;
    application.answerTo = (batch) => {
      const answer = fits(batch);
      return batch.stage === 1 && keysOf(batch).includes("bad")
        ? { ...answer, done: answer.done + 1 }
        : answer;
    };
    kernel.input("a=1", "a=1", "bad=2", "a=1");
    await kernel.clock.until(committed(kernel, 4));
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3"]);
    assert.deepEqual(letters(kernel), ["bad=2"]);
  });
});

function keysOf({ rows }: DispatchedBatch): (string | undefined)[] {
  return rows.flatMap(({ columns, from, to }) =>
    Array.from({ length: to - from }, (_, row) => columns.key(from + row)?.toString("latin1")),
  );
}

describe("a worker that is lost at the second hop", () => {
  test("R-12: costs a walk from the first step; the third death dead-letters the input record", async () => {
    const kernel = await start(label);
    kernel.application.hold = true;
    kernel.input("a=1", "kill=2", "a=1", "a=1");
    let worker = 1;
    while (!committed(kernel, 4)()) {
      const isOver = committed(kernel, 4);
      await kernel.clock.until(() => kernel.application.held.length > 0 || isOver());
      const next = kernel.application.held.shift();
      if (next === undefined) continue;
      if (next.batch.stage === 0 || !keysOf(next.batch).includes("kill")) {
        kernel.application.answer(next.worker, next.batch);
        continue;
      }
      kernel.application.held.length = 0;
      kernel.active.workerGone(worker);
      assert.ok(worker < 6, "workers die for ever");
      kernel.connect(++worker);
    }
    assert.equal(worker, 4);
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3"]);
    assert.deepEqual(letters(kernel), ["kill=2"]);
    assert.deepEqual(countsIn(kernel), ["a=3"]);
  });

  test("R-12: gives no answer in time: its batch goes out again, and counts once", async () => {
    const kernel = await start(label);
    kernel.application.hold = true;
    kernel.input("a=2");
    const first = await held(kernel, 0);
    kernel.application.answer(first.worker, first.batch);
    await held(kernel, 1);
    await kernel.clock.until(() => kernel.application.rejected.length === 1);
    kernel.connect(2);
    const again = await held(kernel, 0);
    kernel.application.hold = false;
    kernel.application.answer(again.worker, again.batch);
    await kernel.clock.until(committed(kernel, 1));
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
  });

  test("P-43: hands it back while it stops: another goes on from the second hop", async () => {
    const kernel = await start(label);
    kernel.connect(2);
    kernel.application.hold = true;
    kernel.input("a=2");
    const first = await held(kernel, 0);
    kernel.application.answer(first.worker, first.batch);
    const second = await held(kernel, 1);
    kernel.active.credited(second.worker, 0, 0);
    kernel.active.handedBack(second.worker, second.batch);
    const other = await held(kernel, 1);
    assert.notEqual(other.worker, second.worker);
    kernel.application.answer(other.worker, other.batch);
    await kernel.clock.until(committed(kernel, 1));
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
    assert.deepEqual(stagesIn(kernel), [0, 1, 1]);
  });
});

describe("answers", () => {
  test("R-11: of the first hop, come again at the second, change nothing", async () => {
    const kernel = await start(label);
    kernel.application.hold = true;
    kernel.input("a=2");
    const first = await held(kernel, 0);
    kernel.application.answer(first.worker, first.batch);
    const second = await held(kernel, 1);
    kernel.application.answer(first.worker, first.batch);
    assert.equal(kernel.active.counters.staleAnswers, 1);
    kernel.application.answer(second.worker, second.batch);
    kernel.application.answer(second.worker, second.batch);
    await kernel.clock.until(committed(kernel, 1));
    assert.equal(kernel.active.counters.staleAnswers, 2);
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
  });

  test("R-3: that overtake each other leave a count between two hops as the records came", async () => {
    const limits = { ...withLetters, task: { ...withLetters.task, batchRecordsMax: 1 } };
    const kernel = await start(label, labelled, limits);
    kernel.application.hold = true;
    kernel.input("a=1", "a=2", "a=1");
    await kernel.clock.until(() => kernel.application.held.length === 3);
    for (const { worker, batch } of kernel.application.held.splice(0).reverse()) {
      kernel.application.answer(worker, batch);
    }
    await kernel.clock.until(() => kernel.application.held.length === 3);
    const offsets = kernel.application.held.map(({ batch }) => batch.rows[0]?.columns.offsets[0]);
    assert.deepEqual(offsets, [0, 1, 2]);
    for (const { worker, batch } of kernel.application.held.splice(0).reverse()) {
      kernel.application.answer(worker, batch);
    }
    await kernel.clock.until(committed(kernel, 3));
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "a=3", "a=4"]);
  });
});

describe("R-6: a partition that is revoked while a batch is", () => {
  async function revokedAt(stage: number) {
    const kernel = await start(label);
    kernel.application.hold = true;
    kernel.input("a=2");
    let at = await held(kernel, 0);
    if (stage === 1) {
      kernel.application.answer(at.worker, at.batch);
      at = await held(kernel, 1);
    }
    kernel.world.assignment = [];
    kernel.world.memberEpoch = 2;
    await kernel.clock.until(() => kernel.clock.nowMs() > 3_000);
    kernel.application.answer(at.worker, at.batch);
    await kernel.clock.until(() =>
      kernel.world.calls.some((call) => call.startsWith("heartbeat") && call.endsWith(" ")),
    );
    return kernel;
  }

  test("at its first hop: the next owner has its records", async () => {
    const kernel = await revokedAt(0);
    assert.deepEqual(kernel.outputs(), []);
    assert.equal(kernel.world.committed.get("in-0")?.offset, 0);
    assert.deepEqual(stagesIn(kernel), [0]);
  });

  test("at its last hop: it is committed first", async () => {
    const kernel = await revokedAt(1);
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
    assert.equal(kernel.world.committed.get("in-0")?.offset, 1);
  });
});

test("state that would not fit a frame at the second hop: fewer records are taken", async () => {
  const limits = { ...withLetters, task: { ...withLetters.task, frameBytesMax: 500 } };
  const long: Handler = ({ key, state }) => ({
    outputs: [[key ?? "", String((state ?? "").length)]],
    state: "x".repeat(200),
  });
  const kernel = await start(long, kept, limits);
  kernel.input("a=1", "b=1", "c=1");
  await kernel.clock.until(committed(kernel, 3));
  kernel.application.dispatched.length = 0;
  kernel.input("a=1", "b=1", "c=1");
  await kernel.clock.until(committed(kernel, 6));
  const rows = kernel.application.dispatched
    .filter(({ batch }) => batch.stage === 1)
    .map(({ batch }) => keysOf(batch).join(" "));
  assert.deepEqual(rows, ["a", "b", "c"]);
  assert.deepEqual(kernel.outputs().slice(3), ["a=200", "b=200", "c=200"]);
  assert.deepEqual(countsIn(kernel), ["a=2", "b=2", "c=2"]);
});
