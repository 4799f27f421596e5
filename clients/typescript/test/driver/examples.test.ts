import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { app as visits } from "../../examples/visits.ts";
import { app as windowCounts } from "../../examples/window-counts.ts";
import { app as wordTotals } from "../../examples/word-totals.ts";
import { type App, int64, nullable, utf8 } from "../../src/index.ts";
import { TestDriver } from "../../src/testing.ts";

/** The examples that are nothing but a topology, on the sidecar's kernel. */

const main = join(import.meta.dirname, "../../../../src/main.ts");
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const MINUTE_MS = 60_000;

type Click = readonly [minute: number, key: string, value: string];

/** What comes of the records, as `key=value timestamp`. */
async function outputs<K, V>(
  app: App<K, V>,
  [from, to]: readonly [string, string],
  input: readonly Click[],
): Promise<string[]> {
  const driver = await TestDriver.start(app, { command });
  try {
    const records = input.map(([minute, key, value]) => {
      return { key, value, timestamp: minute * MINUTE_MS };
    });
    await driver.pipe(from, records, { key: utf8, value: utf8 });
    const read = await driver.read(to, { key: utf8, value: nullable(int64) });
    return read.map(({ key, value, timestamp }) => `${key}=${value} ${timestamp}`);
  } finally {
    await driver.close();
  }
}

test("window-counts counts each five minutes", async () => {
  const input = [
    [0, "a", "x"],
    [4, "a", "y"],
    [4, "b", "z"],
    [5, "a", "x"],
    // Late: its window ended as the record before it came.
    [4, "a", "y"],
  ] as const;
  assert.deepEqual(await outputs(windowCounts, ["events", "event-counts"], input), [
    "a@0=1 0",
    "a@0=2 240000",
    "b@0=1 240000",
    "a@300000=1 300000",
  ]);
});

test("word-totals counts over all sentences", async () => {
  const input = [
    [1, "a", "One, two"],
    [2, "b", "two THREE"],
    [3, "c", ""],
  ] as const;
  assert.deepEqual(await outputs(wordTotals, ["sentences", "word-totals"], input), [
    "one=1 60000",
    "two=1 60000",
    "two=2 120000",
    "three=1 120000",
  ]);
});

test("visits takes back what a longer visit has taken in", async () => {
  const input = [0, 30, 61].map((minute) => [minute, "ada", "/"] as const);
  assert.deepEqual(await outputs(visits, ["clicks", "visits"], input), [
    "ada 0-0=1 0",
    "ada 0-0=null 0",
    "ada 0-1800000=2 1800000",
    "ada 3660000-3660000=1 3660000",
  ]);
});
