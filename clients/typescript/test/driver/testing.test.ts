import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  type App,
  createApp,
  int64,
  keyValueStore,
  tumbling,
  utf8,
  windowed,
} from "../../src/index.ts";
import { TestDriver, type TestDriverOptions } from "../../src/testing.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const main = join(ROOT, "src/main.ts");
/** The sidecar from its source, which needs no build. */
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const text = { key: utf8, value: utf8 };
const MINUTE_MS = 60_000;

async function drive<K, V>(
  app: App<K, V>,
  run: (driver: TestDriver) => Promise<void>,
  options: TestDriverOptions = {},
): Promise<void> {
  const driver = await TestDriver.start(app, { command, wallClockMs: 1_000, ...options });
  try {
    await run(driver);
  } finally {
    await driver.close();
  }
}

/** Windows of a minute, counted by the sidecar. */
function countingApp() {
  const app = createApp({ applicationId: "counting" });
  app
    .stream("flights", text)
    .groupByKey()
    .windowedBy(tumbling("1m", { grace: "0s" }))
    .count({ store: "counts" })
    .to("departures", { key: windowed(utf8, MINUTE_MS), value: int64 });
  return app;
}

const seen = keyValueStore("seen", { key: utf8, value: utf8 });

/** Writes the store, then forwards; how often the handler ran, and what makes it throw. */
function storingApp(fails: (value: string, run: number) => boolean) {
  const runs: string[] = [];
  const app = createApp();
  app
    .stream("in", text)
    .process<string, string>(
      async (record, ctx) => {
        runs.push(record.value);
        ctx.store(seen).put(record.key, record.value);
        ctx.forward({ key: record.key, value: `${record.value}!` });
        if (fails(record.value, runs.length)) throw new Error(`no ${record.value}`);
      },
      { stores: [seen] },
    )
    .to("out", text);
  return { app, runs };
}

const never = (): boolean => false;
const valuesOf = async (driver: TestDriver, topic = "out"): Promise<string[]> =>
  (await driver.read(topic, text)).map(({ value }) => value);

test("windows are counted, and a record that is late is dropped", async () => {
  await drive(countingApp(), async (driver) => {
    const flights = [1_000, 2_000, MINUTE_MS, 3_000].map((timestamp) => {
      return { key: "BER", value: "LH1", timestamp };
    });
    assert.deepEqual(await driver.pipe("flights", flights, text), { committed: true, waiting: "" });
    const read = await driver.read("departures", { value: int64 });
    assert.deepEqual(
      read.map(({ value, timestamp }) => [value, timestamp]),
      [
        [1n, 1_000],
        [2n, 2_000],
        [1n, MINUTE_MS],
      ],
    );
    assert.deepEqual(await driver.read("departures"), []);
    const counts = driver.store("counts", { key: utf8, value: int64 });
    assert.equal(await counts.get("BER", 0), 2n);
    assert.equal(await counts.get("BE", 0), undefined);
    assert.deepEqual(await counts.entries("BER"), [
      { key: "BER", value: 2n, windowStart: 0 },
      { key: "BER", value: 1n, windowStart: MINUTE_MS },
    ]);
  });
});

test("a handler that throws half-way leaves nothing, and the call says how", async () => {
  const { app } = storingApp((value) => value === "bad");
  await drive(
    app,
    async (driver) => {
      await driver.pipe("in", [{ key: "a", value: "good" }], text);
      await assert.rejects(
        driver.pipe("in", [{ key: "a", value: "bad" }], text),
        /^TestDriverError: task 0_0: record in-0@1: Error: no bad/,
      );
      assert.deepEqual(await valuesOf(driver), ["good!"]);
      assert.equal(await driver.store("seen", text).get("a"), "good");
    },
    { settings: { "retry.max": 0 } },
  );
});

test("a record is tried again when the clock has moved, and not before", async () => {
  const { app, runs } = storingApp((_, run) => run < 3);
  await drive(app, async (driver) => {
    const settled = await driver.pipe("in", [{ key: "a", value: "x" }], text);
    assert.deepEqual(settled, {
      committed: false,
      waiting: "task 0_0: record in-0@0: Error: no x",
    });
    await driver.advanceWallClock(99);
    assert.equal(runs.length, 1);
    await driver.advanceWallClock(1);
    assert.equal(runs.length, 2);
    assert.deepEqual(await valuesOf(driver), []);
    assert.deepEqual(await driver.advanceWallClock(200), { committed: true, waiting: "" });
    assert.deepEqual(await valuesOf(driver), ["x!"]);
    assert.equal(await driver.wallClockMs(), 1_300);
  });
});

for (const [fault, times] of [
  ["commitFailed", 1],
  ["redeliver", 2],
  ["unknownOutcome", 1],
] as const) {
  test(`outputs and state come once, whatever goes wrong: ${fault}`, async () => {
    const { app, runs } = storingApp(never);
    await drive(app, async (driver) => {
      await driver.pipe("in", [{ key: "a", value: "0" }], text);
      await driver.inject(fault);
      const two = [
        { key: "a", value: "1" },
        { key: "b", value: "2" },
      ];
      assert.equal((await driver.pipe("in", two, text)).committed, true);
      assert.deepEqual(await valuesOf(driver), ["0!", "1!", "2!"]);
      assert.equal(runs.length, 1 + 2 * times);
      // It was met: else another is refused.
      await driver.inject(fault);
      await driver.pipe("in", [{ key: "c", value: "3" }], text);
      assert.deepEqual(await valuesOf(driver), ["3!"]);
      assert.deepEqual(
        (await driver.store("seen", text).entries()).map(({ key, value }) => key + value),
        ["a1", "b2", "c3"],
      );
    });
  });
}

test("a dead letter is a record of its topic", async () => {
  const { app } = storingApp((value) => value === "bad");
  const settings = { "retry.max": 0, "errors.dead.letter.queue.topic.name": "letters" };
  await drive(
    app,
    async (driver) => {
      const headers = [{ key: "trace", value: new Uint8Array([1]) }];
      await driver.pipe("in", [{ key: "a", value: "bad", timestamp: 7, headers }], text);
      const [letter, ...others] = await driver.read("letters", text);
      assert.equal(others.length, 0);
      assert.deepEqual([letter?.key, letter?.value, letter?.timestamp], ["a", "bad", 7]);
      assert.deepEqual(letter?.headers[0], headers[0]);
      assert.ok(letter?.headers.some(({ key }) => key === "__streams.errors.exception"));
      assert.deepEqual(await valuesOf(driver), []);
    },
    { settings },
  );
});

test("keys decide the partition, and each partition's task has a store of its own", async () => {
  const { app } = storingApp(never);
  await drive(
    app,
    async (driver) => {
      const records = ["a", "b", "c", "d"].map((key) => ({ key, value: key }));
      await driver.pipe("in", records, text);
      const read = await driver.read("out", text);
      assert.deepEqual(read.map(({ value }) => value).sort(), ["a!", "b!", "c!", "d!"]);
      for (const key of ["a", "b", "c", "d"]) {
        assert.equal(await driver.store("seen", text).get(key), key);
      }
      await assert.rejects(
        driver.pipe("in", [{ value: "x", partition: 4 }], text),
        /TEST_DRIVER_REFUSED: partition 4 of in: it has 4, from 0 on/,
      );
      await assert.rejects(
        driver.read("no-topic"),
        /TOPIC_MISSING: .* no topic no-topic, its topics/,
      );
      await assert.rejects(driver.store("none").entries(), /no store none, its stores are: seen/);
    },
    { topics: { in: 4 } },
  );
});

test("a topology that cannot run is refused at the start", async () => {
  const app = createApp();
  app.stream("in", text).to("out", text);
  app.stream("in", text).to("elsewhere", text);
  await assert.rejects(
    TestDriver.start(app, { command }),
    /TOPOLOGY_INVALID: .*"in" is read twice/s,
  );
});

test("a pattern stands for every topic whose whole name it matches", async () => {
  const app = createApp();
  app.stream(/orders-[a-z]+/, text).to("out", text);
  const topics = { "orders-eu": 1, "orders-us": 1, "my-orders-eu": 1 };
  await drive(
    app,
    async (driver) => {
      for (const topic of Object.keys(topics)) {
        await driver.pipe(topic, [{ key: "k", value: topic, timestamp: 1_000 }], text);
      }
      assert.deepEqual(await valuesOf(driver), ["orders-eu", "orders-us"]);
    },
    { topics },
  );
});

test("a pattern of topics takes no flags", () => {
  assert.throws(() => createApp().stream(/orders/i), /takes no flags: leave out "i"/);
});
