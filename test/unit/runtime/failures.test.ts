import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OutriggerError } from "../../../src/errors/outrigger-error.ts";
import type { Verdict } from "../../../src/model/failure.ts";
import type { KernelLimits } from "../../../src/runtime/parts.ts";
import { decodeOffsetMetadata } from "../../../src/tasks/offset-metadata.ts";
import { headersIn } from "../../support/headers.ts";
import {
  copyProgram,
  KernelWorld,
  statefulProgram,
  testLimits,
} from "../../support/world/kernel-world.ts";
import { type Handler, ScriptedFailure } from "../../support/world/scripted-application.ts";

const { failures } = testLimits.task;

function limitsWith(over: Partial<typeof failures>): KernelLimits {
  return { ...testLimits, task: { ...testLimits.task, failures: { ...failures, ...over } } };
}

const withTopic = limitsWith({ deadLetterTopic: "dead" });

/** Copies, counts in the store, and throws for what is bad, after its effects. */
const picky: Handler = ({ key, value, state }) => {
  if (value === "bad") throw new TypeError("it is bad");
  return { outputs: [[key ?? "", value ?? ""]], state: String(Number(state ?? "0") + 1) };
};

/** The same without a store. */
const pickyCopy: Handler = (row) => ({ outputs: picky(row).outputs });

const copy: Handler = ({ key, value }) => ({ outputs: [[key ?? "", value ?? ""]] });

function letters(kernel: KernelWorld): { text: string; headers: Map<string, string | null> }[] {
  return kernel.world.log({ topic: "dead", partition: 0 }).map(({ key, value, headers }) => ({
    text: `${key}=${value}`,
    headers: new Map(headersIn(Buffer.from(headers ?? "", "latin1"))),
  }));
}

describe("a record whose tries are used up", () => {
  test("is dead-lettered in the transaction of its offset, and leaves nothing else", async () => {
    const kernel = await KernelWorld.start(statefulProgram, picky, undefined, withTopic);
    kernel.input("a=1", "a=bad", "a=2", "b=3");
    await kernel.clock.until(() => kernel.outputs().length === 3);
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2", "b=3"]);
    const [letter, ...others] = letters(kernel);
    assert.deepEqual(others, []);
    assert.equal(letter?.text, "a=bad");
    assert.deepEqual(
      ["exception", "message", "topic", "partition", "offset"].map((name) =>
        letter?.headers.get(`__streams.errors.${name}`),
      ),
      ["TypeError", "it is bad", "in", "0", "1"],
    );
    assert.equal(letter?.headers.get("outrigger.errors.reason"), "retries_exhausted");
    assert.equal(letter?.headers.get("outrigger.errors.attempts"), "4");
    assert.equal(letter?.headers.get("outrigger.errors.timestamp"), "1000");
    assert.equal(kernel.world.committed.get("in-0")?.offset, 4);
    assert.equal(kernel.directory.disks.get("0_0")?.data.get("0/a")?.toString(), "2");
    assert.equal(kernel.active.counters.deadLettered, 1);
  });

  test("is dead-lettered once, though its transaction was aborted at first", async () => {
    const kernel = await KernelWorld.start(copyProgram, pickyCopy, undefined, withTopic);
    await kernel.clock.until(() => kernel.world.committed.has("in-0"));
    const error = new OutriggerError("TRANSACTION_ABORTED", "refused");
    kernel.world.script.produce.push({ kind: "abortable", error });
    kernel.input("a=bad");
    await kernel.clock.until(() => letters(kernel).length > 0);
    await kernel.clock.until(() => kernel.clock.nowMs() > 20_000);
    assert.equal(letters(kernel).length, 1);
    assert.equal(kernel.active.counters.aborts.refused, 1);
  });

  test("is skipped where the policy says so", async () => {
    const defaults = { ...failures.defaults, exhausted: "skip" as const };
    const kernel = await KernelWorld.start(
      copyProgram,
      pickyCopy,
      undefined,
      limitsWith({ defaults }),
    );
    kernel.input("a=1", "a=bad", "a=2");
    await kernel.clock.until(() => kernel.outputs().length === 2);
    assert.deepEqual(kernel.outputs(), ["a=1", "a=2"]);
    assert.equal(kernel.active.counters.skipped, 1);
  });

  test("stops its task; a worker that comes later takes it up at that record", async () => {
    const kernel = await KernelWorld.start(copyProgram, pickyCopy);
    kernel.input("a=1", "a=bad", "a=2");
    await kernel.clock.until(() => kernel.outputs().length === 1 && !kernel.application.serving);
    assert.equal(kernel.world.committed.get("in-0")?.offset, 1);
    kernel.application.handler = copy;
    kernel.connect(2);
    await kernel.clock.until(() => kernel.outputs().length === 3);
    assert.deepEqual(kernel.outputs(), ["a=1", "a=bad", "a=2"]);
  });

  test("stops its task where a dead letter was asked for, and there is no topic", async () => {
    const defaults = { ...failures.defaults, exhausted: "dlq" as const };
    const kernel = await KernelWorld.start(
      copyProgram,
      pickyCopy,
      undefined,
      limitsWith({ defaults }),
    );
    kernel.input("a=bad", "a=1");
    await kernel.clock.until(() => kernel.application.serving);
    await kernel.clock.until(() => !kernel.application.serving);
    assert.deepEqual(kernel.outputs(), []);
  });

  test("is not dead-lettered when it is too large for it: its task stops", async () => {
    const kernel = await KernelWorld.start(copyProgram, pickyCopy, undefined, withTopic);
    const { recordBytesMax } = withTopic.task;
    kernel.input(`${"k".repeat(recordBytesMax)}=bad`);
    await kernel.clock.until(() => kernel.application.serving);
    await kernel.clock.until(() => !kernel.application.serving);
    assert.deepEqual(letters(kernel), []);
    assert.equal(kernel.world.committed.get("in-0")?.offset, 0);
  });
});

/** Answers what a kernel dispatches; a batch with a `kill` in it is the end of its worker. */
async function serveUntil(
  kernel: KernelWorld,
  isDone: () => boolean,
  deathsMax = Number.POSITIVE_INFINITY,
): Promise<number> {
  let worker = 1;
  let deaths = 0;
  kernel.application.hold = true;
  while (!isDone()) {
    await kernel.clock.until(() => kernel.application.held.length > 0 || isDone());
    const held = kernel.application.held.shift();
    if (held === undefined) continue;
    const isKiller = held.batch.rows.some(({ columns, from, to }) =>
      Array.from({ length: to - from }, (_, row) => columns.value(from + row)?.toString()).includes(
        "kill",
      ),
    );
    if (!isKiller) {
      kernel.application.answer(held.worker, held.batch);
      continue;
    }
    deaths += 1;
    assert.ok(deaths < 12, "workers die for ever");
    kernel.application.held.length = 0;
    kernel.active.workerGone(worker);
    if (deaths === deathsMax) return deaths;
    worker += 1;
    kernel.connect(worker);
  }
  return deaths;
}

describe("a record that its worker does not survive", () => {
  const inputs = Array.from({ length: 40 }, (_, i) => (i === 17 ? "k=kill" : `k=${i}`));
  const good = inputs.filter((text) => text !== "k=kill");

  test("is found among others and dead-lettered at the third death", async () => {
    const kernel = await KernelWorld.start(copyProgram, copy, undefined, withTopic);
    kernel.input(...inputs);
    const deaths = await serveUntil(kernel, () => kernel.outputs().length === good.length);
    assert.equal(deaths, 3);
    assert.deepEqual(kernel.outputs(), good);
    const [letter, ...others] = letters(kernel);
    assert.deepEqual(others, []);
    assert.equal(letter?.text, "k=kill");
    assert.equal(letter?.headers.get("outrigger.errors.reason"), "process_crash");
    assert.equal(letter?.headers.get("outrigger.errors.attempts"), "3");
    assert.equal(letter?.headers.get("__streams.errors.offset"), "17");
  });

  test("is sent again for ever, alone, where there is no place for it", async () => {
    const kernel = await KernelWorld.start(copyProgram, copy);
    kernel.input("k=0", "k=kill", "k=1");
    await assert.rejects(
      serveUntil(kernel, () => kernel.outputs().length > 1),
      /workers die for ever/,
    );
    await kernel.clock.until(() => kernel.outputs().length > 0);
    assert.deepEqual(kernel.outputs(), ["k=0"]);
    assert.equal(kernel.fatal.length, 0);
  });

  test("is known to the sidecar's successor: deaths go on being counted", async () => {
    const first = await KernelWorld.start(copyProgram, copy, undefined, withTopic);
    first.input(...inputs);
    let deaths = await serveUntil(first, () => false, 2);
    const written = (): string => first.world.committed.get("in-0")?.metadata ?? "";
    await first.clock.until(() => decodeOffsetMetadata(written())?.trial?.deaths === 2);
    const { world, directory } = first;
    const second = await KernelWorld.start(copyProgram, copy, { world, directory }, withTopic);
    deaths += await serveUntil(second, () => second.outputs().length === good.length);
    assert.equal(deaths, 3);
    assert.deepEqual(second.outputs(), good);
    assert.equal(letters(second).length, 1);
  });

  test("was not the reason where its worker had said that it stops", async () => {
    const kernel = await KernelWorld.start(copyProgram, copy, undefined, withTopic);
    kernel.application.hold = true;
    kernel.input("k=0");
    for (let worker = 1; worker <= 5; worker++) {
      await kernel.clock.until(() => kernel.application.held.length > 0);
      kernel.active.credited(worker, 0, 0);
      kernel.application.held.length = 0;
      kernel.active.workerGone(worker);
      kernel.connect(worker + 1);
    }
    kernel.application.release();
    await kernel.clock.until(() => kernel.outputs().length === 1);
    assert.deepEqual(letters(kernel), []);
  });

  test("is given up as a hang where workers gave no answer in time", async () => {
    const kernel = await KernelWorld.start(copyProgram, copy, undefined, withTopic);
    kernel.application.hold = true;
    kernel.input("k=slow");
    for (let worker = 1; worker <= 3; worker++) {
      await kernel.clock.until(() => kernel.application.rejected.length === worker);
      kernel.connect(worker + 1);
    }
    await kernel.clock.until(() => letters(kernel).length === 1);
    const [letter] = letters(kernel);
    assert.equal(letter?.headers.get("outrigger.errors.reason"), "processing_timeout");
  });
});

describe("what the application says of a record that it failed on", () => {
  const saying =
    (verdict: Verdict): Handler =>
    (row) => {
      if (row.value === "bad") throw new ScriptedFailure(verdict);
      return copy(row);
    };

  test("dead-letters it at once", async () => {
    const handler = saying({ kind: "deadLetter" });
    const kernel = await KernelWorld.start(copyProgram, handler, undefined, withTopic);
    kernel.input("a=1", "a=bad", "a=2");
    await kernel.clock.until(() => kernel.outputs().length === 2);
    const [letter] = letters(kernel);
    assert.equal(letter?.headers.get("outrigger.errors.reason"), "rejected");
    assert.equal(letter?.headers.get("outrigger.errors.node"), "handler");
    assert.ok(kernel.clock.nowMs() < 1_000, "without the pauses of retries");
  });

  test("stops the task at once, whatever the policy is", async () => {
    const kernel = await KernelWorld.start(
      copyProgram,
      saying({ kind: "fail" }),
      undefined,
      withTopic,
    );
    kernel.input("a=1", "a=bad", "a=2");
    await kernel.clock.until(() => kernel.outputs().length === 1 && !kernel.application.serving);
    assert.deepEqual(letters(kernel), []);
    assert.ok(kernel.clock.nowMs() < 1_000);
  });

  test("tries it again after the pause that it asks for", async () => {
    const handler = saying({ kind: "retry", afterMs: 7_000 });
    const kernel = await KernelWorld.start(copyProgram, handler);
    kernel.input("a=bad", "a=1");
    await kernel.clock.until(() => kernel.application.dispatched.length === 1);
    const failedAtMs = kernel.clock.nowMs();
    await kernel.clock.until(() => kernel.application.dispatched.length === 2);
    assert.ok(kernel.clock.nowMs() - failedAtMs >= 7_000);
    kernel.application.handler = copy;
    await kernel.clock.until(() => kernel.outputs().length === 2);
    assert.deepEqual(kernel.outputs(), ["a=bad", "a=1"]);
  });

  test("in its topology holds from the moment that it connects, unless the configuration objects", async () => {
    const kernel = await KernelWorld.start(copyProgram, pickyCopy);
    kernel.connect(2, { exhausted: "skip", retryMax: 0 });
    kernel.input("a=bad", "a=1");
    await kernel.clock.until(() => kernel.outputs().length === 1);
    assert.ok(kernel.clock.nowMs() < 1_000);
    const overridden = limitsWith({ overrides: { exhausted: "fail" } });
    const other = await KernelWorld.start(copyProgram, pickyCopy, undefined, overridden);
    other.connect(2, { exhausted: "skip", retryMax: 0 });
    other.input("a=bad", "a=1");
    const isSent = (): boolean => other.application.dispatched.length > 0;
    await other.clock.until(() => isSent() && !other.application.serving);
    assert.deepEqual(other.outputs(), []);
  });
});
