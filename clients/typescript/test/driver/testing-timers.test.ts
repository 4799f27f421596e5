import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createApp, keyValueStore, type TimerClock, utf8 } from "../../src/index.ts";
import { TestDriver, type TestDriverOptions } from "../../src/testing.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const main = join(ROOT, "src/main.ts");
/** The sidecar from its source, which needs no build. */
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const text = { key: utf8, value: utf8 };
const START_MS = 1_000_000;
const MINUTE_MS = 60_000;

const last = keyValueStore("last", { key: utf8, value: utf8 });

/** `set NAME TIME [wallClock]`, `delete NAME [wallClock]`, `fail`, for the record's key; several by `;`. */
function timed() {
  const app = createApp({ applicationId: "timed" });
  app
    .stream("in", text)
    .mapValues((value) => value.trim(), { name: "trim" })
    .process<string, string>(
      async ({ key, value }, ctx) => {
        await ctx.store(last).put(key, value);
        for (const command of value.split(";")) {
          const [what, name = "", at = "", clock] = command.trim().split(" ");
          const options = clock === undefined ? {} : { clock: clock as TimerClock };
          if (what === "set") ctx.timers.set(name, Number(at), options);
          if (what === "delete")
            ctx.timers.delete(name, at === "" ? {} : { clock: at as TimerClock });
          if (what === "fail") throw new Error("no");
        }
      },
      {
        name: "wait",
        stores: [last],
        failurePolicy: { retry: { max: 0 }, exhausted: "deadLetter" },
        onTimer: async ({ key, name, time, clock, idempotencyKey }, ctx) => {
          if (name === "poison") throw new Error("no timer");
          if (name === "rival") ctx.timers.delete("victim");
          if (name === "again") ctx.timers.set("again", time + MINUTE_MS);
          assert.match(idempotencyKey, /^timed\/timed-wait-timers-\d@\d+$/);
          const value = `${name} ${time} ${clock} ${await ctx.store(last).get(key)}`;
          ctx.forward({ key, value });
        },
      },
    )
    .to("out", text);
  return app;
}

async function drive(
  app: ReturnType<typeof timed>,
  run: (driver: TestDriver, out: () => Promise<string[]>) => Promise<void>,
  options: TestDriverOptions = {},
): Promise<void> {
  const topics = { in: 2, out: 2 };
  const all = { command, topics, wallClockMs: START_MS, ...options };
  const driver = await TestDriver.start(app, all);
  const out = async (): Promise<string[]> => {
    const read = await driver.read("out", text);
    return read.map(({ key, value, timestamp }) => `${key}@${timestamp}: ${value}`);
  };
  try {
    await run(driver, out);
  } finally {
    await driver.close();
  }
}

const at = (key: string, timestamp: number, value: string) => ({
  key,
  value,
  timestamp,
  partition: 0,
});

test("a timer fires once, when stream time has reached it, with its key and the node's state", async () => {
  await drive(timed(), async (driver, out) => {
    await driver.pipe("in", [at("k", 10, "set a 50"), at("k", 49, "x")], text);
    assert.deepEqual(await out(), []);
    await driver.pipe("in", [at("j", 50, "y")], text);
    assert.deepEqual(await out(), ["k@50: a 50 streamTime x"]);
    await driver.advanceStreamTime(1_000);
    assert.deepEqual(await out(), []);
  });
});

test("stream time moves it without a record; setting it again moves it; deleting cancels it", async () => {
  await drive(timed(), async (driver, out) => {
    await driver.pipe(
      "in",
      [at("k", 1, "set a 50; set b 60"), at("k", 2, "set a 90; delete b")],
      text,
    );
    await driver.advanceStreamTime(89);
    assert.deepEqual(await out(), []);
    await driver.advanceStreamTime(95);
    assert.deepEqual(await out(), ["k@90: a 90 streamTime set a 90; delete b"]);
  });
});

test("the wall clock fires it, and leaves stream time where it was", async () => {
  await drive(timed(), async (driver, out) => {
    const due = START_MS + MINUTE_MS;
    await driver.pipe("in", [at("k", 1, `set w ${due} wallClock; set s 500`)], text);
    await driver.advanceWallClock(MINUTE_MS - 1);
    assert.deepEqual(await out(), []);
    await driver.advanceWallClock(1);
    assert.deepEqual(await out(), [
      `k@${due}: w ${due} wallClock set w ${due} wallClock; set s 500`,
    ]);
    await driver.advanceStreamTime(500);
    assert.equal((await out()).length, 1);
  });
});

test("one that is past fires at once, and of many in order of their time", async () => {
  await drive(timed(), async (driver, out) => {
    await driver.pipe("in", [at("k", 100, "set c 30; set a 10; set b 20")], text);
    const fired = (await out()).map((line) => line.split(" ")[1]);
    assert.deepEqual(fired, ["a", "b", "c"]);
  });
});

test("a handler cancels what is due beside it, and what it sets anew fires anew", async () => {
  await drive(timed(), async (driver, out) => {
    await driver.pipe("in", [at("k", 1, "set rival 10; set victim 11; set again 12")], text);
    await driver.advanceStreamTime(20);
    assert.deepEqual(
      (await out()).map((line) => line.split(" ")[1]),
      ["rival", "again"],
    );
    await driver.advanceStreamTime(12 + MINUTE_MS);
    assert.deepEqual(
      (await out()).map((line) => line.split(" ")[2]),
      [String(12 + MINUTE_MS)],
    );
  });
});

test("a record that fails sets nothing, and a timer that fails has a dead letter", async () => {
  const settings = { "errors.dead.letter.queue.topic.name": "dead" };
  const topics = { in: 2, out: 2, dead: 1 };
  await drive(
    timed(),
    async (driver, out) => {
      await driver.pipe(
        "in",
        [at("k", 1, "set a 5; fail"), at("k", 2, "set poison 5; set b 6")],
        text,
      );
      await driver.advanceStreamTime(10);
      assert.deepEqual(
        (await out()).map((line) => line.split(" ")[1]),
        ["b"],
      );
      const letters = await driver.read("dead", { key: utf8 });
      assert.deepEqual(
        letters.map(({ key }) => key),
        ["k", "k"],
      );
    },
    { settings, topics },
  );
});

test("faults of the commit neither lose a timer nor double it", async () => {
  for (const fault of ["commitFailed", "redeliver", "unknownOutcome"] as const) {
    await drive(timed(), async (driver, out) => {
      await driver.inject(fault);
      await driver.pipe("in", [at("k", 1, "set a 50; set b 60")], text);
      await driver.inject(fault);
      await driver.advanceStreamTime(70);
      assert.deepEqual(
        (await out()).map((line) => line.split(" ")[1]),
        ["a", "b"],
        fault,
      );
    });
  }
});

test("punctuators are called as Kafka Streams calls them, and what was missed is one call", async () => {
  const calls: string[] = [];
  const app = createApp({ applicationId: "punctuated" });
  app
    .stream("in", text)
    .process<string | null, string>(({ value }, ctx) => ctx.forward({ key: "r", value }), {
      name: "tick",
      punctuators: [
        {
          name: "stream",
          interval: 100,
          onPunctuate: (timestamp, ctx) => {
            calls.push(`stream ${timestamp}`);
            ctx.forward({ key: null, value: "s" });
          },
        },
        {
          name: "wall",
          interval: "1m",
          clock: "wallClock",
          onPunctuate: (timestamp) => void calls.push(`wall ${timestamp - START_MS}`),
        },
      ],
    })
    .to("out", { key: utf8 as never, value: utf8 });
  const since = (): string[] => calls.splice(0);
  await drive(
    app,
    async (driver) => {
      await driver.pipe("in", [at("k", 150, "x")], text);
      assert.deepEqual(since(), ["stream 150"]);
      await driver.pipe("in", [at("k", 199, "x")], text);
      assert.deepEqual(since(), []);
      await driver.pipe("in", [at("k", 200, "x")], text);
      assert.deepEqual(since(), ["stream 200"]);
      await driver.pipe("in", [at("k", 555, "x"), at("k", 601, "x")], text);
      assert.deepEqual(since().at(-1), "stream 601");
      await driver.advanceWallClock(MINUTE_MS);
      assert.deepEqual(since(), [`wall ${MINUTE_MS}`]);
      await driver.advanceWallClock(MINUTE_MS - 1);
      assert.deepEqual(since(), []);
      await driver.advanceWallClock(1);
      assert.deepEqual(since(), [`wall ${2 * MINUTE_MS}`]);
    },
    { topics: { in: 1, out: 1 } },
  );
});

test("says what is wrong: a node without onTimer, a record without a key, a time that is none", async () => {
  const seen: string[] = [];
  const app = createApp({ applicationId: "wrong" });
  const plain = app.stream<string | null, string>("in", { value: utf8 } as never);
  const attempt = (run: () => void): void => {
    try {
      run();
    } catch (error: unknown) {
      seen.push(error instanceof Error ? error.message : String(error));
    }
  };
  plain.process((_, ctx) => attempt(() => ctx.timers.set("a", 1)), { name: "none" });
  plain.process(
    ({ key }, ctx) => {
      attempt(() => ctx.timers.set("a", key === null ? 1 : -1));
      attempt(() => ctx.timers.set("a".repeat(256), 1));
    },
    { name: "some", onTimer: () => {} },
  );
  await drive(app as never, async (driver) => {
    await driver.pipe("in", [{ value: "x", partition: 0 }], { value: utf8 });
    await driver.pipe("in", [{ key: "k", value: "x", partition: 0 }], text);
    assert.match(
      seen[0] ?? "",
      /"none" sets a timer, and nothing takes it: give the node `onTimer`/,
    );
    assert.match(seen[1] ?? "", /"some" sets a timer, and the record has no key/);
    assert.match(seen.find((line) => line.includes("-1")) ?? "", /cannot be set to -1/);
    assert.match(seen.at(-1) ?? "", /name has 256 bytes/);
  });
});
