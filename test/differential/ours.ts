import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestDriver, type TestRecord } from "@outrigger/client/testing";
import { loadConfig } from "../../src/config/load.ts";
import { NO_SECURITY } from "../../src/config/security.ts";
import type { Log } from "../../src/ports/log.ts";
import { startTestDriver } from "../../src/test-driver.ts";
import { applicationOf } from "./application.ts";
import { base64Of, encodedInput } from "./encode.ts";
import type { Case, Change, Entry, Outcome, Output } from "./topology.ts";

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** A shell that says where the driver listens, in place of a process that is one: half a second less. */
const ECHO = ["sh", "-c", 'printf "%s\\n" "$0"; cat >/dev/null'];

/** Runs a case by our own test driver, with so many records a batch at most. */
export async function runOurs({ nodes, input }: Case, batchRecordsMax: number): Promise<Outcome> {
  const app = applicationOf(nodes);
  const stateDir = mkdtempSync(join(tmpdir(), "outrigger-differential-"));
  const loaded = loadConfig({
    flags: { "batch.max.records": batchRecordsMax },
    env: {},
    presets: { "application.id": "test", "log.level": "warn" },
    fixed: { "bootstrap.servers": "test-driver:9092", "state.dir": stateDir, ...NO_SECURITY },
  });
  const { config, explicit } = loaded;
  const parts = { log: SILENT, version: "0", explicit, startMs: 0 };
  const running = await startTestDriver(config, parts);
  try {
    const where = JSON.stringify({ address: running.address, token: config.serverToken ?? "" });
    const driver = await TestDriver.start(app, { command: [...ECHO, where] });
    try {
      await pipe(driver, nodes, input);
      return await outcomeOf(driver, nodes);
    } finally {
      await driver.close();
    }
  } finally {
    await running.stop();
    await running.release();
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 50, retryDelay: 20 });
  }
}

/** What follows each other in one topic goes in together: batches are cut by the sidecar. */
async function pipe(driver: TestDriver, nodes: Case["nodes"], input: Case["input"]): Promise<void> {
  const records = encodedInput(nodes, input);
  for (let from = 0; from < records.length; ) {
    const topic = records[from]?.topic ?? "";
    let to = from;
    while (records[to]?.topic === topic) to++;
    await driver.pipe(topic, records.slice(from, to).map(recordOf));
    from = to;
  }
}

function recordOf({ key, value, at, headers }: ReturnType<typeof encodedInput>[number]) {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    timestamp: at,
    headers: headers.map(([name, text]) => ({ key: name, value: bytesOf(text) })),
  } satisfies TestRecord<Uint8Array | null, Uint8Array | null>;
}

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text, "base64");
}

async function outcomeOf(driver: TestDriver, nodes: Case["nodes"]): Promise<Outcome> {
  const topics = new Set(
    nodes.flatMap((node) => {
      if (node.op === "toChosen") return node.topics;
      return node.op === "to" ? [node.topic] : [];
    }),
  );
  const outputs: Output[] = [];
  for (const topic of topics) {
    for (const { key, value, timestamp, headers } of await driver.read(topic)) {
      outputs.push({
        topic,
        key: base64Of(key),
        value: base64Of(value),
        at: timestamp,
        headers: headers.map((header) => [header.key, base64Of(header.value)] as const),
      });
    }
  }
  const changelogs: Record<string, Change[]> = {};
  const stores: Record<string, Entry[]> = {};
  for (const name of storesOf(nodes)) {
    const topic = `test-${name}-changelog`;
    changelogs[topic] = (await driver.read(topic)).map(({ key, value, timestamp }) => {
      return { key: base64Of(key), value: base64Of(value), at: timestamp };
    });
    stores[name] = (await driver.store(name).entries()).map(({ key, value, windowStart }) => ({
      key: base64Of(key) ?? "",
      value: base64Of(value) ?? "",
      ...(windowStart === null ? {} : { start: windowStart }),
    }));
  }
  return { outputs, changelogs, stores };
}

function storesOf(nodes: Case["nodes"]): Set<string> {
  return new Set(
    nodes.flatMap((node) => ("store" in node && node.store !== undefined ? [node.store] : [])),
  );
}
