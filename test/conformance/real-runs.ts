import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DevBroker, startDevBroker } from "@outrigger/dev-broker";
import type { Kafka } from "kafkajs";
import type { JudgedRecord } from "../support/judges.ts";
import { type Child, eventually, startSidecarProcess } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, produce, watch } from "../support/topics.ts";
import { type Language, startApplication } from "./languages.ts";
import { expectedOf, foldOf, resultsOf, workload } from "./workload.ts";

/** How the sidecar treats its worker in a run. */
interface Mode {
  readonly name: string;
  readonly hostile: string;
  readonly flags: Readonly<Record<string, number>>;
}

const ONE = { "batch.max.records": 1 };
const SMALL = { "batch.max.bytes": 1_024 };

const PLAIN: Mode = { name: "plain", hostile: "", flags: {} };
const ALL: Mode = {
  name: "hostile",
  hostile: "prefetch-off,credit-of-one,revoke-every-batch",
  flags: { ...SMALL, "batch.max.records": 3 },
};
const EACH: readonly Mode[] = [
  { name: "prefetch-off", hostile: "prefetch-off", flags: {} },
  { name: "batch-of-one", hostile: "", flags: ONE },
  { name: "credit-of-one", hostile: "credit-of-one", flags: {} },
  { name: "frames-of-1-kib", hostile: "", flags: SMALL },
  { name: "revoke-every-batch", hostile: "revoke-every-batch", flags: {} },
];

/** The workload has two; more means that it cannot run at all. */
const CRASHES_MAX = 6;
/** A record that is there has been read after so long without one. */
const QUIET_MS = 1_000;
const GROUP = "the real sidecar";

interface Sums {
  take(language: Language, group: string, id: string, run: () => Promise<void>): Promise<void>;
}

/** The conformance application behind the real sidecar, on a broker; judged by an oracle. */
export class RealRuns {
  readonly #language: Language;

  constructor(language: Language) {
    this.#language = language;
  }

  async run(options: { isFull: boolean; prefix: string }, sums: Sums): Promise<void> {
    const modes = (options.isFull ? [PLAIN, ALL, ...EACH] : [PLAIN, ALL]).filter(({ name }) =>
      `real-${name}`.startsWith(options.prefix),
    );
    for (const mode of modes) {
      const broker = await startDevBroker();
      const folder = mkdtempSync(join(tmpdir(), "outrigger-conformance-"));
      try {
        await sums.take(this.#language, GROUP, `real-${mode.name}`, () =>
          this.#judge(mode, broker, folder),
        );
      } finally {
        await broker.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }

  async #judge(mode: Mode, { bootstrapServers }: DevBroker, folder: string): Promise<void> {
    const kafka = kafkaAt(bootstrapServers);
    await makeTopics(kafka, ["commands", "results"]);
    const commands = workload(folder);
    const address = `unix:${join(folder, "s.sock")}`;
    const stateDir = join(folder, "state");
    const sidecar = startSidecarProcess(
      { bootstrapServers, applicationId: "conformance", stateDir, address, flags: mode.flags },
      { OUTRIGGER_HOSTILE: mode.hostile },
    );
    const worker = new Supervised(this.#language, address);
    try {
      await produce(kafka, "commands", commands);
      const taken = await readAll(kafka, "commands", commands.length, []);
      const { results, stores } = expectedOf(taken);
      const count = [...results.values()].reduce((sum, list) => sum + list.length, 0);
      const children = [sidecar, ...worker.children];
      await readAll(kafka, "results", count, children);
      assert.equal(await worker.stop(), "0", "the worker's exit code");
      assert.equal(await sidecar.stop(), "0", "the sidecar's exit code");
      // All is committed and nobody writes any more: what there is now is what there is.
      assert.deepEqual(resultsOf(await readAll(kafka, "results", null, [])), results);
      const changelog = await readAll(kafka, "conformance-state-changelog", null, []);
      assert.deepEqual(sorted(foldOf(changelog)), sorted(stores), "the store's changelog");
      assert.ok(worker.crashes > 0, "the application never crashed");
    } finally {
      await worker.kill();
      if (sidecar.isRunning) await sidecar.kill();
    }
  }
}

/** A worker that is started again whenever it ends unasked, as whoever runs containers does. */
class Supervised {
  readonly children: Child[] = [];
  crashes = 0;
  #isStopping = false;
  readonly #start: () => Child;
  #child: Child;

  constructor(language: Language, address: string) {
    this.#start = () => startApplication(language, "conformance", { OUTRIGGER_ADDRESS: address });
    this.#child = this.#supervise();
  }

  async stop(): Promise<string> {
    this.#isStopping = true;
    return await this.#child.stop();
  }

  async kill(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.isRunning) await this.#child.kill();
  }

  #supervise(): Child {
    const child = this.#start();
    this.children.push(child);
    void child.ended().then(() => {
      if (this.#isStopping || this.crashes >= CRASHES_MAX) return;
      this.crashes += 1;
      this.#child = this.#supervise();
    });
    return child;
  }
}

/** So many committed records; or, where nobody writes any more, all that there are. */
async function readAll(
  kafka: Kafka,
  topic: string,
  count: number | null,
  children: readonly Child[],
): Promise<JudgedRecord[]> {
  const { records, stop } = await watch(kafka, topic);
  let seen = -1;
  let since = performance.now();
  const isDone = (): boolean => {
    if (records.length !== seen) since = performance.now();
    seen = records.length;
    return count === null ? performance.now() - since > QUIET_MS : seen >= count;
  };
  try {
    await eventually(`${count ?? "all"} records of ${topic}`, isDone, children, 60_000);
    return records;
  } finally {
    await stop();
  }
}

function sorted(stores: ReadonlyMap<number, ReadonlyMap<string, string>>): unknown {
  return [...stores]
    .map(([partition, store]) => [partition, [...store].sort()])
    .sort(([left], [right]) => Number(left) - Number(right));
}
