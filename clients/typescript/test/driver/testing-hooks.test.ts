import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createApp, utf8 } from "../../src/index.ts";
import { TestDriver, type TestDriverOptions } from "../../src/testing.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const main = join(ROOT, "src/main.ts");
/** The sidecar from its source, which needs no build. */
const command = [process.execPath, "--import", "tsx", "--conditions=@outrigger/source", main];
const text = { key: utf8, value: utf8 };
const MINUTE_MS = 60_000;
const TOPICS = { in: 2, out: 2 };

/** Asks the hook for every record; fails after that where the value says so. */
function hookedApp(hook: (value: string, key: string) => void | Promise<void>) {
  const app = createApp({ applicationId: "hooked" });
  app
    .stream("in", text)
    .process<string, string>(
      ({ key, value }, ctx) => {
        ctx.afterCommit("receipt", value);
        ctx.forward({ key, value });
        if (value.startsWith("bad")) throw new Error(`no ${value}`);
      },
      { name: "process", failurePolicy: { retry: { max: 0 }, exhausted: "skip" } },
    )
    .to("out", text);
  app.afterCommit(
    "receipt",
    ({ value, key, idempotencyKey }) => {
      assert.match(idempotencyKey, /^hooked\/hooked-receipt-hook-[01]@\d+$/);
      return hook(value, key);
    },
    { ...text, failurePolicy: { retry: { max: 1, initial: "1m" }, exhausted: "deadLetter" } },
  );
  return app;
}

async function drive(
  hook: (value: string, key: string) => void | Promise<void>,
  run: (driver: TestDriver) => Promise<void>,
  options: TestDriverOptions = {},
): Promise<void> {
  const driver = await TestDriver.start(hookedApp(hook), { command, topics: TOPICS, ...options });
  try {
    await run(driver);
  } finally {
    await driver.close();
  }
}

test("a hook runs for each record that was committed, and for none that failed", async () => {
  const ran: string[] = [];
  const record = (value: string) => ({ key: "k", value, partition: 1 });
  await drive(
    (value, key) => void ran.push(`${key} ${value}`),
    async (driver) => {
      await driver.pipe("in", ["1", "bad 2", "3"].map(record), text);
      assert.deepEqual(ran, ["k 1", "k 3"]);
    },
  );
});

test("what was aborted has asked for nothing, what is taken over again asks once", async () => {
  for (const fault of ["commitFailed", "redeliver", "unknownOutcome"] as const) {
    const ran: string[] = [];
    await drive(
      (value) => void ran.push(value),
      async (driver) => {
        await driver.inject(fault);
        await driver.pipe("in", [{ key: "k", value: "1" }], text);
        assert.deepEqual(ran, ["1"], fault);
      },
    );
  }
});

test("a hook whose commit is lost runs again: at least once", async () => {
  const ran: string[] = [];
  let driver: TestDriver | null = null;
  await drive(
    async (value) => {
      ran.push(value);
      // Of the commit that takes the hook's own answer.
      if (ran.length === 1) await driver?.inject("redeliver");
    },
    async (started) => {
      driver = started;
      await started.pipe("in", [{ key: "k", value: "1" }], text);
      assert.deepEqual(ran, ["1", "1"]);
    },
  );
});

test("a hook that fails is tried again, keeps no record waiting, and becomes a dead letter", async () => {
  const ran: string[] = [];
  const hook = (value: string): void => {
    ran.push(value);
    if (value === "poison") throw new Error("no mail today");
  };
  const settings = { "errors.dead.letter.queue.topic.name": "letters" };
  await drive(
    hook,
    async (driver) => {
      const settled = await driver.pipe("in", [{ key: "k", value: "poison" }], text);
      assert.match(
        settled.waiting,
        /^task 1_\d: record hooked-receipt-hook-\d@\d+: .*no mail today/,
      );
      await driver.pipe("in", [{ key: "k", value: "next" }], text);
      assert.deepEqual(ran, ["poison"]);
      const out = await driver.read("out", text);
      assert.deepEqual(
        out.map(({ value }) => value),
        ["poison", "next"],
      );
      const after = await driver.advanceWallClock(2 * MINUTE_MS);
      assert.equal(after.waiting, "");
      assert.deepEqual(ran, ["poison", "poison", "next"]);
      const [letter, ...others] = await driver.read("letters", text);
      assert.deepEqual([letter?.value, others.length], ["poison", 0]);
    },
    { settings, topics: { ...TOPICS, letters: 1 } },
  );
});
