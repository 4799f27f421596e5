import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { JVM_OF_KAFKA, startKafka } from "../../support/kafka-broker.ts";
import { REPOSITORY_ROOT } from "../../support/kafka-jars.ts";
import { kafkaAt, makeTopics } from "../../support/topics.ts";
import type { Run } from "./figures.ts";
import { datasetOf, type Ground, Inputs } from "./ground.ts";
import type { Dataset } from "./java.ts";
import { measure } from "./measure.ts";
import { PROBES } from "./restore.ts";
import type { Step } from "./steps.ts";
import { SYSTEMS, type System } from "./systems.ts";
import { WORKLOADS } from "./workloads.ts";

/** Kafka's retention and log segments know the wall clock: an input of long ago would be deleted. */
const WINDOW_MS = 300_000;
const SPAN_MS = 1_800_000;
const WARM_UP_RECORDS = 200_000;

/** Starts a broker and warms it up by those systems, for inputs of at most so many records. */
export async function withGround(
  seed: number,
  recordsMax: number,
  systems: readonly System[],
  work: (ground: Ground, inputs: Inputs) => Promise<void>,
): Promise<void> {
  const broker = await startKafka({ jvm: JVM_OF_KAFKA });
  const { bootstrapServers } = broker;
  const kafka = kafkaAt(bootstrapServers);
  const admin = kafka.admin();
  await admin.connect();
  const baseMs = Math.floor((Date.now() - SPAN_MS - WINDOW_MS) / WINDOW_MS) * WINDOW_MS;
  const ground: Ground = { bootstrapServers, kafka, admin, baseMs, seed };
  const inputs = new Inputs(ground);
  try {
    await warmUp(ground, inputs, systems, Math.min(recordsMax, WARM_UP_RECORDS));
    await work(ground, inputs);
  } finally {
    await admin.disconnect();
    await broker.stop();
  }
}

/** Does the steps on one broker, and gives each run away as soon as it is there. */
export async function runAll(
  steps: readonly Step[],
  seed: number,
  done: (run: Run) => void,
): Promise<void> {
  const most = Math.max(...steps.map(({ records }) => records));
  const [date, commit] = [new Date().toISOString().slice(0, 10), commitOf()];
  const systems = [...new Set(steps.map(({ system }) => system))];
  await withGround(seed, most, systems, async (ground, inputs) => {
    for (const [index, step] of steps.entries()) {
      const { round, workload, system, records } = step;
      const left = steps.slice(index).map((each) => Inputs.nameOf(each.workload, each.records));
      await inputs.keepOnly(new Set(left));
      const group = `bench-${round}-${workload.name}-${system.name}`;
      const input = await inputOf(ground, inputs, step, group);
      const load = Number((loadavg()[0] ?? 0).toFixed(2));
      const dataset = restorable(datasetOf(ground, workload, records), step);
      const measured = await measure(ground, system, workload, dataset, [group, input]);
      const name = { workload: workload.name, system: system.name };
      done({ ...name, records, seed, round, load, date, commit, ...measured });
    }
  });
}

/** What is sent while the system runs has a topic of its own. */
async function inputOf(
  { kafka }: Ground,
  inputs: Inputs,
  { workload, records }: Step,
  group: string,
): Promise<string> {
  if (workload.kind === "drain") return await inputs.topicOf(workload, records);
  const topic = `${group}-in`;
  await makeTopics(kafka, [topic], { "retention.ms": "-1" }, workload.partitions);
  return topic;
}

/** Each entry comes once, and behind them come the probes. */
function restorable(dataset: Dataset, { workload, records }: Step): Dataset {
  return workload.kind === "restore" ? { ...dataset, keys: records - PROBES } : dataset;
}

/**
 * A broker that has just started is slow, above all in what it does only when somebody comes, and so is
 * a program that the machine reads from its disk: a loop by hand, then each system, once, which count for
 * nothing.
 */
async function warmUp(
  ground: Ground,
  inputs: Inputs,
  systems: readonly System[],
  records: number,
): Promise<void> {
  const loop = SYSTEMS.find(({ name }) => name === "raw-java");
  const [workload] = WORKLOADS;
  if (loop === undefined || workload === undefined) throw new Error("there is no raw-java");
  const input = await inputs.topicOf(workload, records);
  const dataset = datasetOf(ground, workload, records);
  for (const system of new Set([loop, ...systems])) {
    const place = [`bench-warm-up-${system.name}`, input] as const;
    const { fault } = await measure(ground, system, workload, dataset, place);
    // A system that fails is told of by its own runs.
    if (system === loop && fault !== null)
      throw new Error(`the broker could not be warmed up: ${fault}`);
  }
}

function commitOf(): string {
  const args = ["rev-parse", "--short", "HEAD"];
  const { status, stdout } = spawnSync("git", args, { cwd: REPOSITORY_ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}
