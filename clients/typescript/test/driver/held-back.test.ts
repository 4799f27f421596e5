import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  type App,
  BufferConfig,
  createApp,
  EmitStrategy,
  int64,
  Suppressed,
  tumbling,
  utf8,
  windowed,
} from "../../src/index.ts";
import { TestDriver } from "../../src/testing.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const main = join(ROOT, "src/main.ts");
/** The sidecar from its source, which needs no build. */
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const text = { key: utf8, value: utf8 };
const MINUTE_MS = 60_000;

async function drive(app: App, run: (driver: TestDriver) => Promise<void>): Promise<void> {
  const driver = await TestDriver.start(app, { command });
  try {
    await run(driver);
  } finally {
    await driver.close();
  }
}

function counting(kind: "suppressed" | "on window close"): App {
  const app = createApp();
  const windows = app
    .stream("in", text)
    .groupByKey()
    .windowedBy(tumbling("1m", { grace: 0 }));
  const counts =
    kind === "suppressed"
      ? windows.count({ store: "counts" }).suppress(Suppressed.untilWindowCloses())
      : windows.emitStrategy(EmitStrategy.onWindowClose()).count({ store: "counts" });
  counts.to("out", { value: int64 });
  return app;
}

for (const kind of ["suppressed", "on window close"] as const) {
  test(`${kind}: a window is forwarded once, when it closes`, async () => {
    await drive(counting(kind), async (driver) => {
      const counts = async (): Promise<unknown[]> => {
        const read = await driver.read("out", { key: windowed(utf8, MINUTE_MS), value: int64 });
        return read.map(({ key, value }) => [key.key, key.window.start, value]);
      };
      const at = [1, 2, MINUTE_MS - 1];
      await driver.pipe(
        "in",
        at.map((timestamp) => ({ key: "k", value: "x", timestamp })),
        text,
      );
      assert.deepEqual(await counts(), []);
      await driver.pipe("in", [{ key: "j", value: "x", timestamp: MINUTE_MS }], text);
      assert.deepEqual(await counts(), [["k", 0, 3n]]);
      await driver.advanceStreamTime(2 * MINUTE_MS);
      assert.deepEqual(await counts(), [["j", MINUTE_MS, 1n]]);
    });
  });
}

test("a key waits for its time, and a full buffer lets the eldest go", async () => {
  const app = createApp();
  const buffer = BufferConfig.emitEarlyWhenFull({ maxRecords: 2 });
  app
    .stream("in", text)
    .groupByKey()
    .count()
    .suppress(Suppressed.untilTimeLimit("10s", buffer))
    .to("out", { value: int64 });
  await drive(app, async (driver) => {
    const counts = async (): Promise<unknown[]> => {
      const read = await driver.read("out", { key: utf8, value: int64 });
      return read.map(({ key, value }) => [key, value]);
    };
    const of = (...given: [key: string, timestamp: number][]) =>
      given.map(([key, timestamp]) => ({ key, value: "x", timestamp }));
    await driver.pipe("in", of(["a", 0], ["a", 9_999]), text);
    assert.deepEqual(await counts(), []);
    await driver.advanceStreamTime(10_000);
    assert.deepEqual(await counts(), [["a", 2n]]);
    await driver.pipe("in", of(["b", 11_000], ["c", 11_001], ["d", 11_002]), text);
    assert.deepEqual(await counts(), [["b", 1n]]);
  });
});
