/**
 * How soon after both processes were started, together, the broker appends the first output: for each SDK,
 * with nothing to restore. This is the "first output" of the comparison with Kafka Streams, without its load.
 *
 *   npm run build && node --import tsx --conditions=@outrigger/source test/bench/first-output.ts \
 *     [--rounds 10] [--systems outrigger-go,outrigger-typescript] [--workloads W1,W2] [--verbose]
 *
 * `--verbose` prints what both processes say, `--node-options` are for those that run on Node.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startKafka } from "../support/kafka-broker.ts";
import { cpuMs } from "../support/proc.ts";
import { eventually } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics, produce, watch } from "../support/topics.ts";
import { SYSTEMS, type System } from "./side-by-side/systems.ts";
import type { Shape } from "./side-by-side/workloads.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    systems: { type: "string", default: "outrigger-go,outrigger-typescript" },
    workloads: { type: "string", default: "W1,W2" },
    verbose: { type: "boolean", default: false },
    "node-options": { type: "string", default: "" },
  },
});
const RECORDS = 1_000;
const PARTITIONS = 4;
const SETTINGS = { handlerMs: 0, commitIntervalMs: 100, storeBytes: null, batchRecordsMax: null };

const systems = SYSTEMS.filter(({ name }) => options.systems.split(",").includes(name));
const shapes = (["W1", "W2", "W3"] as const).filter((shape) =>
  options.workloads.split(",").includes(shape),
);
for (const system of systems) await system.setUp();
const broker = await startKafka();
process.env["NODE_OPTIONS"] = options["node-options"];
const kafka = kafkaAt(broker.bootstrapServers);
const input = "start-in";
await makeTopics(kafka, [input], { "retention.ms": "-1" }, PARTITIONS);
const value = "0123456789abcdef0123456789abcdef";
await produce(
  kafka,
  input,
  Array.from({ length: RECORDS }, (_, index) => ({ key: `k${index}`, value })),
);

/** ms from the start to the first output, and processor time of all of it so far. */
async function once(system: System, shape: Shape, group: string): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-start-"));
  const output = `${group}-out`;
  const configs = { "retention.ms": "-1", "message.timestamp.type": "LogAppendTime" };
  await makeTopics(kafka, [output], configs, PARTITIONS);
  const { bootstrapServers } = broker;
  const startedAtMs = Date.now();
  const place = { bootstrapServers, shape, settings: SETTINGS, input, output, group, folder };
  const children = await system.start(place);
  try {
    // Nobody asks the broker meanwhile: who reads the output is started when it must be there.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const used = children.map(({ pid }) => cpuMs(pid));
    const seen = await watch(kafka, output);
    await eventually("an output", () => seen.records.length === RECORDS, children);
    await seen.stop();
    const firstMs = Math.min(...seen.records.map(({ timestamp }) => timestamp));
    const times = [startedAtMs, firstMs].map((ms) => new Date(ms).toISOString());
    const said = children.map(({ output: text }) => text).join("");
    if (options.verbose) process.stdout.write(`${said}from ${times.join(" to ")}\n`);
    return [firstMs - startedAtMs, ...used];
  } finally {
    for (const child of children) await child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function said(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
}

const [first] = systems;
if (first !== undefined) await once(first, "W1", "start-warm");
for (const system of systems) {
  for (const shape of shapes) {
    const found: number[][] = [];
    for (let round = 0; round < Number(options.rounds); round++) {
      found.push(await once(system, shape, `start-${system.name}-${shape}-${round}`));
    }
    const of = (at: number): string => said(found.map((each) => each[at] ?? Number.NaN));
    process.stdout.write(`${shape} ${system.name}: first output after ${of(0)} ms; `);
    process.stdout.write(`processor time of the sidecar ${of(1)}, the application ${of(2)} ms\n`);
  }
}
await broker.stop();
