import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { OUTRIGGER_HEADERS } from "../../src/tasks/dead-letter.ts";
import { availableBrokers, type Broker } from "../support/brokers.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { Supervised } from "../support/supervised.ts";
import { type Input, makeTopics, produce } from "../support/topics.ts";

const APP = "test/support/apps/hooked.js";
const RECORDS = 2_000;
const KEYS = 20;
const FAILING = 50;
const POISONED = 5;
/** A try, and two more. */
const TRIES = 3;

/** Many quick commits with a part of the input each, so that kills fall everywhere. */
const FLAGS = {
  "batch.max.records": 20,
  "commit.interval.ms": 20,
  "repartition.purge.interval.ms": 200,
};

/**
 * How the sidecars end, one after the other: with requests written and not committed, with the commit's
 * answer lost, committed and not known. Between them the application is killed.
 */
const KILLS = ["produceSent:4", "ending:9", "endSent:9", "applying:9", "ending:3", "answered:30"];

interface Ran {
  readonly idempotencyKey: string;
  readonly key: string;
  readonly value: string;
}

const inputs: readonly Input[] = Array.from({ length: RECORDS }, (_, n) => ({
  key: `key-${n % KEYS}`,
  value: textOf(n),
}));

function textOf(n: number): string {
  if (n % (RECORDS / FAILING) === 1) return `fail-${n}`;
  return n % (RECORDS / POISONED) === 2 ? `poison-${n}` : `value-${n}`;
}

for (const kind of availableBrokers()) {
  describe(`hooks on ${kind.name}`, () => {
    let broker: Broker;
    before(async () => {
      broker = await kind.start();
    });
    after(() => broker.stop());

    test("each committed record's hook runs, whoever dies, and no other's: G-14", async () => {
      const letters = `hooks-${kind.name}-dlq`;
      const scene = await Scene.make(kind.name, broker, `hooks-${kind.name}`, {
        ...FLAGS,
        "errors.dead.letter.queue.topic.name": letters,
      });
      const folder = mkdtempSync(join(tmpdir(), "outrigger-hooks-"));
      const ledger = join(folder, "ledger");
      const start = () => scene.startApplication(APP, { OUTRIGGER_TEST_LEDGER: ledger });
      try {
        await makeTopics(scene.kafka, [letters]);
        await produce(scene.kafka, scene.input, inputs);
        start();
        for (const [turn, kill] of KILLS.entries()) {
          const sidecar = scene.startSidecar({ OUTRIGGER_FAILPOINT: kill });
          assert.equal(await sidecar.ended(), "SIGKILL", `${kill}: ${sidecar.output}`);
          if (turn % 2 === 0) continue;
          await scene.application?.kill();
          start();
        }
        scene.startSidecar();
        const isDone = (): boolean => distinct(ledger) >= RECORDS - FAILING;
        await eventually("every hook", isDone, scene.children, 90_000);
        await scene.records(letters, POISONED);
        await eventually("no request is kept that is done", () => isPurged(scene), scene.children);
        assert.equal(await scene.application?.stop(), "0");
        assert.equal(await scene.sidecar?.stop(), "0", scene.sidecar?.output);
        const ran = readLedger(ledger);
        for (const output of await scene.judge()) {
          assertRanFor(
            ran,
            output.map(({ key, value }) => `${key} ${value}`),
          );
        }
        assertOrdered(ran);
        assertTried(ran);
        for (const dead of await scene.judge([letters])) {
          assert.equal(dead.length, POISONED);
          for (const { value } of dead) assert.match(String(value), /^poison-/);
        }
      } finally {
        await scene.end();
        rmSync(folder, { recursive: true, force: true });
      }
    });

    test("a hook that kills its process is one dead letter, and every other has run: G-14", async () => {
      const letters = `killing-hook-${kind.name}-dlq`;
      const scene = await Scene.make(kind.name, broker, `killing-hook-${kind.name}`, {
        "errors.dead.letter.queue.topic.name": letters,
        "crashes.max": 3,
      });
      const folder = mkdtempSync(join(tmpdir(), "outrigger-hooks-"));
      const ledger = join(folder, "ledger");
      const few = inputs.slice(0, 200).map(({ key }, n) => ({ key, value: `value-${n}` }));
      const killer = { key: "key-7", value: "kill-0" };
      let application: Supervised | null = null;
      try {
        await makeTopics(scene.kafka, [letters]);
        await produce(scene.kafka, scene.input, [...few.slice(0, 100), killer, ...few.slice(100)]);
        scene.startSidecar();
        const environment = { OUTRIGGER_TEST_LEDGER: ledger };
        application = new Supervised(() => scene.startApplication(APP, environment));
        await eventually("every hook", () => distinct(ledger) > few.length, scene.children, 90_000);
        await scene.records(letters, 1);
        await scene.outputs(few.length + 1);
        await application.stop();
        assert.deepEqual(application.deaths, ["SIGKILL", "SIGKILL", "SIGKILL"]);
        for (const dead of await scene.judge([letters])) {
          const said = dead.map(({ value, headers }) => {
            return [String(value), String(new Map(headers).get(OUTRIGGER_HEADERS.reason))];
          });
          assert.deepEqual(said, [["kill-0", "process_crash"]]);
        }
      } finally {
        await application?.stop().catch(() => {});
        await scene.end();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

/** Of each partition of the hook's topic nothing is left. */
async function isPurged({ kafka, settings }: Scene): Promise<boolean> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(`${settings.applicationId}-receipt-hook`);
    // What stands behind the last request is its transaction's marker, and that of its hook is not here.
    const left = offsets.map(({ low, high }) => Number(high) - Number(low));
    return offsets.some(({ high }) => Number(high) > 0) && left.every((count) => count === 0);
  } finally {
    await admin.disconnect();
  }
}

function readLedger(path: string): Ran[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [idempotencyKey = "", key = "", value = ""] = line.split(" ");
    return { idempotencyKey, key, value };
  });
}

function distinct(path: string): number {
  return new Set(readLedger(path).map(({ value }) => value)).size;
}

/** At least once for each output, and for nothing else; each request under one idempotency key. */
function assertRanFor(ran: readonly Ran[], outputs: readonly string[]): void {
  const asked = new Map<string, Set<string>>();
  for (const { idempotencyKey, key, value } of ran) {
    const keys = asked.get(`${key} ${value}`) ?? new Set();
    asked.set(`${key} ${value}`, keys.add(idempotencyKey));
  }
  assert.equal(outputs.length, RECORDS - FAILING);
  assert.deepEqual([...asked.keys()].sort(), [...outputs].sort());
  // A request of a transaction that was aborted would have an offset, and so a key, of its own.
  for (const [record, keys] of asked) assert.equal(keys.size, 1, `${record}: ${[...keys]}`);
  const all = new Set(ran.map(({ idempotencyKey }) => idempotencyKey));
  assert.equal(all.size, outputs.length);
  assert.ok(ran.length > outputs.length, "no hook ran twice: no kill fell behind an effect");
}

/** The first run of each request follows those of the requests before it in its partition. */
function assertOrdered(ran: readonly Ran[]): void {
  const reached = new Map<string, number>();
  const last = new Map<string, number>();
  for (const { idempotencyKey, key, value } of ran) {
    const [partition = "", offset = ""] = idempotencyKey.split("@");
    const before = reached.get(partition) ?? -1;
    if (Number(offset) <= before) continue;
    reached.set(partition, Number(offset));
    const n = Number(value.split("-")[1]);
    assert.ok(n > (last.get(key) ?? -1), `${value} of ${key} came after ${last.get(key)}`);
    last.set(key, n);
  }
}

function assertTried(ran: readonly Ran[]): void {
  const poisoned = ran.filter(({ value }) => value.startsWith("poison-"));
  const tries = new Map<string, number>();
  for (const { value } of poisoned) tries.set(value, (tries.get(value) ?? 0) + 1);
  assert.equal(tries.size, POISONED);
  for (const [value, count] of tries)
    assert.ok(count >= TRIES, `${value} was tried ${count} times`);
}
