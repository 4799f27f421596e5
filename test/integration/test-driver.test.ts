import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { type App, createApp, int64, tumbling, utf8 } from "@outrigger/client";
import { TestDriver, type TestDriverOptions } from "@outrigger/client/testing";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";

const command = [process.execPath, join(REPOSITORY_ROOT, "dist/src/main.js")];
const text = { key: utf8, value: utf8 };

function copying(): App {
  const app = createApp();
  app
    .stream("in", text)
    .mapValues((value) => `${value}!`)
    .to("out", text);
  return app;
}

const valuesOf = async (driver: TestDriver): Promise<string[]> =>
  (await driver.read("out", text)).map(({ value }) => value);

/** Runs it by hand, as an SDK does. */
async function spawned(
  ...args: string[]
): Promise<{ child: ChildProcess; line: string; ended: Promise<unknown> }> {
  const [file = "", ...rest] = command;
  const child = spawn(file, [...rest, "test-driver", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const line = await new Promise<string>((resolve) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once("line", resolve);
  });
  return { child, line, ended };
}

test("P-51: the first line says where it listens, and it ends with its input, leaving nothing", async () => {
  const { child, line, ended } = await spawned();
  const { address, token } = JSON.parse(line) as { address: string; token: string };
  assert.equal(token, "");
  const socket = address.replace(/^unix:/, "");
  assert.ok(existsSync(socket), socket);
  child.stdin?.end();
  assert.equal(await ended, 0);
  assert.ok(!existsSync(dirname(dirname(socket))));
});

test("P-51: over TCP there is a token, and without it nobody is served", async () => {
  const settings = ["--server.address=127.0.0.1:0", "--server.token=secret"];
  const { child, line, ended } = await spawned(...settings);
  const { address, token } = JSON.parse(line) as { address: string; token: string };
  assert.equal(token, "secret");
  await assert.rejects(copying().run({ address, token: "wrong" }), /UNAUTHENTICATED/);
  const stop = new AbortController();
  const running = copying().run({ address, token, signal: stop.signal });
  stop.abort();
  await running;
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

describe("with an application", () => {
  let driver: TestDriver;
  const options: TestDriverOptions = { command, topics: { in: 3, out: 3 }, wallClockMs: 5_000 };

  before(async () => {
    driver = await TestDriver.start(copying(), options);
  });
  after(() => driver.close());

  test("P-52: what was piped is committed when the call returns, and no time has passed", async () => {
    const records = Array.from({ length: 5_000 }, (_, i) => ({ key: `k${i}`, value: `${i}` }));
    const settled = await driver.pipe("in", records, text);
    assert.deepEqual(settled, { committed: true, waiting: "" });
    assert.equal(await driver.wallClockMs(), 5_000);
    const read = await driver.read("out", text);
    const values = read.map(({ value }) => Number.parseInt(value, 10)).sort((a, b) => a - b);
    assert.deepEqual(
      values,
      records.map((_, i) => i),
    );
    assert.ok(read.every(({ timestamp }) => timestamp === 5_000));
    assert.equal(new Set(read.map(({ partition }) => partition)).size, 3);
  });

  test("P-52: a day passes without an application being lost or a commit being missed", async () => {
    const before = await driver.wallClockMs();
    await driver.advanceWallClock(86_400_000);
    assert.equal(await driver.wallClockMs(), before + 86_400_000);
    await driver.pipe("in", [{ key: "a", value: "1" }], text);
    assert.deepEqual(await valuesOf(driver), ["1!"]);
  });

  test("P-53: each record is read once, and none of a transaction that was aborted", async () => {
    await driver.inject("commitFailed");
    for (const value of ["1", "2", "3"]) await driver.pipe("in", [{ key: value, value }], text);
    assert.deepEqual(await valuesOf(driver), ["1!", "2!", "3!"]);
    assert.deepEqual(await valuesOf(driver), []);
    // The aborted one and the markers have offsets, as in Kafka.
    await driver.pipe("in", [{ key: "1", value: "4" }], text);
    const [last] = await driver.read("out", text);
    assert.ok((last?.offset ?? 0) > 3, `its offset is ${last?.offset}`);
  });

  test("P-54: a fault is met once, and another before that is refused", async () => {
    await driver.inject("redeliver");
    const again = driver.inject("commitFailed");
    await assert.rejects(again, /TEST_DRIVER_REFUSED: the fault redeliver still waits/);
    await driver.pipe("in", [{ key: "a", value: "1" }], text);
    await driver.inject("commitFailed");
    await driver.pipe("in", [{ key: "a", value: "2" }], text);
    assert.deepEqual(await valuesOf(driver), ["1!", "2!"]);
  });

  test("P-55: what cannot be done is refused with a code and what to do, and it goes on", async () => {
    await assert.rejects(
      driver.advanceWallClock(8 * 86_400_000),
      /TEST_DRIVER_REFUSED: .* give 0 to/,
    );
    await assert.rejects(
      driver.pipe("nowhere", [], text),
      /TOPIC_MISSING: .*its topics are: in, out/,
    );
    await assert.rejects(driver.store("none").entries(), /its stores are: none/);
    await driver.pipe("in", [{ key: "a", value: "1" }], text);
    assert.deepEqual(await valuesOf(driver), ["1!"]);
  });
});

test("P-55: an application that does not answer is named, in time", async () => {
  const app = createApp();
  app
    .stream("in", text)
    .process<string, string>(() => new Promise(() => {}))
    .to("out", text);
  const driver = await TestDriver.start(app, { command, timeoutMs: 300 });
  const piped = driver.pipe("in", [{ key: "a", value: "1" }], text);
  await assert.rejects(piped, /HANDLER_FAILED: .* not done within 300 ms; it holds .*: 0_0/);
  // What hangs has until processing.timeout.ms, whose clock is the driver's; then its record is sent again.
  await assert.rejects(driver.advanceWallClock(61_000), /HANDLER_FAILED|TEST_DRIVER_REFUSED/);
  await driver.close();
});

function countingByMinute(): App {
  const app = createApp();
  app
    .stream("in", text)
    .groupByKey()
    .windowedBy(tumbling("1m", { grace: "10s" }))
    .count({ store: "counts" })
    .map(({ key, value }) => ({ key: key.key, value }))
    .to("out", { key: utf8, value: int64 });
  return app;
}

test("P-52: stream time moves without a record, in every task, and a restart of the task keeps it", async () => {
  const driver = await TestDriver.start(countingByMinute(), { command, topics: { in: 2, out: 1 } });
  const counted = async (timestamp: number, partition: number): Promise<readonly number[]> => {
    await driver.pipe("in", [{ key: "a", value: "x", timestamp, partition }], text);
    const read = await driver.read("out", { key: utf8, value: int64 });
    return read.map(({ value }) => Number(value));
  };
  try {
    // Of a task that has read nothing, too.
    const settled = await driver.advanceStreamTime(69_999);
    assert.deepEqual(settled, { committed: true, waiting: "" });
    assert.deepEqual(await counted(59_999, 0), [1]);
    await driver.advanceStreamTime(70_000);
    // Back it does not go.
    await driver.advanceStreamTime(5);
    assert.deepEqual(await counted(59_999, 0), []);
    assert.deepEqual(await counted(59_999, 1), []);
    assert.deepEqual(await counted(60_000, 0), [1]);
    await driver.advanceStreamTime(130_000);
    // Its owner changes: what it commits says where stream time was.
    await driver.inject("redeliver");
    assert.deepEqual(await counted(119_999, 0), []);
    assert.deepEqual(await counted(120_000, 0), [1]);
  } finally {
    await driver.close();
  }
});

test("P-55: stream time stays where it is while a record is not done with", async () => {
  const app = createApp();
  app
    .stream("in", text)
    .process<string, string>(() => {
      throw new Error("no");
    })
    .to("out", text);
  const driver = await TestDriver.start(app, { command });
  try {
    await driver.pipe("in", [{ key: "a", value: "x" }], text);
    const moved = driver.advanceStreamTime(1_000);
    await assert.rejects(moved, /TEST_DRIVER_REFUSED: .*\(task 0_0: record in-0@0: Error: no\)/);
    await assert.rejects(driver.advanceStreamTime(-1), /stream time cannot be -1/);
  } finally {
    await driver.close();
  }
});

test("state outlives a takeover, and is what the changelog says", async () => {
  const app = createApp();
  app
    .stream("in", text)
    .groupByKey()
    .windowedBy(tumbling("1m"))
    .count({ store: "counts" })
    .map(({ key, value }) => ({ key: key.key, value }))
    .to("out", { key: utf8, value: int64 });
  const driver = await TestDriver.start(app, { command });
  try {
    for (const fault of ["redeliver", "unknownOutcome", "commitFailed"] as const) {
      await driver.inject(fault);
      await driver.pipe("in", [{ key: "a", value: "x", timestamp: 1 }], text);
    }
    const read = await driver.read("out", { key: utf8, value: int64 });
    assert.deepEqual(
      read.map(({ value }) => value),
      [1n, 2n, 3n],
    );
    assert.equal(await driver.store("counts", { key: utf8, value: int64 }).get("a", 0), 3n);
    const changes = await driver.read("test-counts-changelog", { value: int64 });
    assert.deepEqual(
      changes.map(({ value }) => value),
      [1n, 2n, 3n],
    );
  } finally {
    await driver.close();
  }
});

test("what is grouped by a new key goes through a repartition before the call returns", async () => {
  const app = createApp();
  app
    .stream("in", text)
    .map(({ key, value }) => ({ key: value, value: key }))
    .groupByKey(text)
    .count({ store: "by-value" })
    .to("out", { key: utf8, value: int64 });
  const driver = await TestDriver.start(app, { command, topics: { in: 3, out: 1 } });
  try {
    for (const fault of ["redeliver", "unknownOutcome", "commitFailed"] as const) {
      await driver.inject(fault);
      const records = ["a", "b", "c", "d"].map((key) => ({ key, value: "red" }));
      assert.equal((await driver.pipe("in", records, text)).committed, true);
    }
    const read = await driver.read("out", { key: utf8, value: int64 });
    assert.deepEqual(
      read.map(({ key, value }) => `${key} ${value}`),
      Array.from({ length: 12 }, (_, i) => `red ${i + 1}`),
    );
    const moved = await driver.read("test-by-value-repartition", text);
    assert.equal(moved.length, 12);
    assert.equal(await driver.store("by-value", { key: utf8, value: int64 }).get("red"), 12n);
  } finally {
    await driver.close();
  }
});
