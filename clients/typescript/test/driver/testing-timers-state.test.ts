import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createApp, timestampedKeyValueStore, utf8 } from "../../src/index.ts";
import { TestDriver } from "../../src/testing.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const main = join(ROOT, "src/main.ts");
/** The sidecar from its source, which needs no build. */
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const text = { key: utf8, value: utf8 };
const START_MS = 1_700_000_000_000;

const seen = timestampedKeyValueStore("seen", { key: utf8, value: utf8, ttl: "10s" });

/** Sets a timer of each clock; what fires says what the store has, by key and by prefix. */
function timed() {
  const app = createApp({ applicationId: "timed" });
  app
    .stream("in", text)
    .processValues<string>(
      async ({ key, value, timestamp }, ctx) => {
        await ctx.store(seen).put(key, value);
        ctx.timers.set("stream", timestamp + 5_000);
        ctx.timers.set("wall", START_MS + 1_000, { clock: "wallClock" });
        if (value === "cancels") ctx.timers.delete("stream");
      },
      {
        name: "wait",
        stores: [seen],
        onTimer: async ({ key, name }, ctx) => {
          const entry = await ctx.store(seen).get(key);
          const found: string[] = [];
          for await (const [each] of ctx.store(seen).prefix(Buffer.from("k"))) found.push(each);
          ctx.forward({ value: `${name}: ${entry?.value ?? "none"} of ${found.join(" ")}` });
        },
      },
    )
    .to("out", text);
  return app;
}

async function drive(run: (driver: TestDriver, out: () => Promise<string[]>) => Promise<void>) {
  const topics = { in: 1, out: 1 };
  const driver = await TestDriver.start(timed(), { command, topics, wallClockMs: START_MS });
  const out = async (): Promise<string[]> => {
    const read = await driver.read("out", text);
    return read.map(({ key, value, timestamp }) => `${key}@${timestamp} ${value}`);
  };
  try {
    await run(driver, out);
  } finally {
    await driver.close();
  }
}

test("processValues has timers of both clocks, and what they forward keeps the key", async () => {
  await drive(async (driver, out) => {
    await driver.pipe("in", [{ key: "k1", value: "a", timestamp: 1_000 }], text);
    await driver.advanceStreamTime(5_999);
    assert.deepEqual(await out(), []);
    await driver.advanceStreamTime(6_000);
    assert.deepEqual(await out(), ["k1@6000 stream: a of k1"]);
    await driver.pipe("in", [{ key: "k2", value: "cancels", timestamp: 6_000 }], text);
    await driver.advanceStreamTime(12_000);
    assert.deepEqual(await out(), []);
  });
});

test("what a timer of the wall clock finds is as old as stream time says, not as that clock", async () => {
  await drive(async (driver, out) => {
    await driver.pipe("in", [{ key: "k1", value: "cancels", timestamp: 1_000 }], text);
    await driver.pipe("in", [{ key: "k2", value: "cancels", timestamp: 10_999 }], text);
    await driver.advanceWallClock(1_000);
    assert.deepEqual(await out(), [
      `k1@${START_MS + 1_000} wall: cancels of k1 k2`,
      `k2@${START_MS + 1_000} wall: cancels of k1 k2`,
    ]);
    await driver.pipe("in", [{ key: "k1", value: "cancels", timestamp: 11_001 }], text);
    await driver.pipe("in", [{ key: "k2", value: "cancels", timestamp: 22_000 }], text);
    const fired = await out();
    assert.deepEqual(fired, [
      `k1@${START_MS + 1_000} wall: cancels of k1 k2`,
      `k2@${START_MS + 1_000} wall: cancels of k2`,
    ]);
  });
});
