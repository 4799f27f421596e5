import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  type App,
  createApp,
  keyValueStore,
  timestampedKeyValueStore,
  utf8,
} from "../../src/index.ts";
import { TestDriver } from "../../src/testing.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const main = join(ROOT, "src/main.ts");
/** The sidecar from its source, which needs no build. */
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const text = { key: utf8, value: utf8 };

async function drive(app: App, run: (driver: TestDriver) => Promise<void>): Promise<void> {
  const driver = await TestDriver.start(app, { command, wallClockMs: 1_000 });
  try {
    await run(driver);
  } finally {
    await driver.close();
  }
}

const seen = timestampedKeyValueStore("seen", { ...text, ttl: "10s" });

/** `get`, `range` and `prefix` say what they find; everything else is put. */
function remembering(): App {
  const app = createApp();
  app
    .stream("in", text)
    .process<string, string>(
      async ({ key, value }, ctx) => {
        const store = ctx.store(seen);
        const found: string[] = [];
        if (value === "get") {
          const entry = await store.get(key);
          if (entry !== undefined) found.push(`${entry.value}@${entry.timestamp}`);
        } else if (value === "all" || value === "prefix") {
          const entries = value === "all" ? store.all() : store.prefix(key, { reverse: true });
          for await (const [name, entry] of entries) found.push(`${name}@${entry.timestamp}`);
        } else store.put(key, value);
        ctx.forward({ key, value: found.join(" ") });
      },
      { stores: [seen] },
    )
    .to("out", text);
  return app;
}

const said = async (driver: TestDriver): Promise<string[]> =>
  (await driver.read("out", text)).map(({ value }) => value);

test("an entry has the timestamp of its record, and is gone when stream time is so far past it", async () => {
  await drive(remembering(), async (driver) => {
    const store = driver.store("seen", text);
    await driver.pipe(
      "in",
      [
        { key: "a", value: "1", timestamp: 1_000 },
        { key: "ab", value: "2", timestamp: 5_000 },
        { key: "b", value: "3", timestamp: 6_000 },
        { key: "a", value: "get", timestamp: 6_000 },
        { key: "a", value: "prefix", timestamp: 6_000 },
      ],
      text,
    );
    assert.deepEqual((await said(driver)).slice(3), ["1@1000", "ab@5000 a@1000"]);
    const [first, ...others] = await store.entries();
    assert.deepEqual(first, { key: "a", value: "1", windowStart: null, timestamp: 1_000 });
    assert.equal(others.length, 2);
    await driver.advanceWallClock(3_600_000);
    assert.equal(await store.get("a"), "1");
    await driver.advanceStreamTime(11_000);
    assert.equal(await store.get("a"), undefined);
    assert.equal(await store.get("ab"), "2");
    await driver.pipe("in", [{ key: "a", value: "all", timestamp: 11_000 }], text);
    assert.deepEqual(await said(driver), ["ab@5000 b@6000"]);
    await driver.pipe("in", [{ key: "x", value: "get", timestamp: 15_999 }], text);
    await driver.pipe("in", [{ key: "b", value: "get", timestamp: 15_999 }], text);
    await driver.pipe("in", [{ key: "b", value: "get", timestamp: 16_000 }], text);
    assert.deepEqual(await said(driver), ["", "3@6000", ""]);
    assert.deepEqual(await store.entries(), []);
  });
});

test("a record goes to the topic that is chosen for it, among those that are declared", async () => {
  const app = createApp();
  app
    .stream("in", text)
    .mapValues((value) => `${value}!`)
    .to(({ key }) => key, {
      topics: ["left", "right"],
      ...text,
      failurePolicy: { retry: { max: 0 }, exhausted: "skip" },
    });
  await drive(app, async (driver) => {
    const records = ["left", "right", "elsewhere", "left"].map((key, i) => ({
      key,
      value: `${i}`,
    }));
    await driver.pipe("in", records, text);
    const valuesOf = async (topic: string): Promise<string[]> =>
      (await driver.read(topic, text)).map(({ value }) => value);
    assert.deepEqual(await valuesOf("left"), ["0!", "3!"]);
    assert.deepEqual(await valuesOf("right"), ["1!"]);
  });
});

test("a prefix whose bytes are the last there are ends with the store", async () => {
  const bytes = { serialize: (v: Uint8Array) => v, deserialize: (v: Uint8Array | null) => v ?? v1 };
  const v1 = new Uint8Array();
  const raw = keyValueStore("raw", { key: bytes, value: utf8 });
  const app = createApp();
  app
    .stream("in", text)
    .process<string, string>(
      async ({ key }, ctx) => {
        const store = ctx.store(raw);
        for (const name of [[1], [1, 0xff], [2], [0xff], [0xff, 0xff, 3]]) {
          store.put(Uint8Array.from(name), String(name));
        }
        for (const prefix of [[1], [1, 0xff], [0xff], [0xff, 0xff], []]) {
          const found: string[] = [];
          for await (const [, value] of store.prefix(Uint8Array.from(prefix))) found.push(value);
          ctx.forward({ key, value: found.join(" ") });
        }
      },
      { stores: [raw] },
    )
    .to("out", text);
  await drive(app, async (driver) => {
    await driver.pipe("in", [{ key: "k", value: "v" }], text);
    assert.deepEqual(await said(driver), [
      "1 1,255",
      "1,255",
      "255 255,255,3",
      "255,255,3",
      "1 1,255 2 255 255,255,3",
    ]);
  });
});

test("what makes no sense is refused where it is declared", () => {
  const stream = createApp().stream("in", text);
  assert.throws(() => timestampedKeyValueStore("s", { ...text, ttl: 0 }), /ttl of 0/);
  assert.throws(() => stream.to(() => "a", { topics: [] }), /topics to choose from are \[\]/);
  assert.throws(() => stream.to(() => "a", { topics: ["a", "a"] }), /name each of them once/);
  const plain = keyValueStore("seen", text);
  stream.process(() => {}, { stores: [plain] });
  assert.throws(() => stream.process(() => {}, { stores: [seen] }), /declared as two kinds/);
});
