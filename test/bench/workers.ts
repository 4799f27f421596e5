/**
 * How much faster several Python processes at one sidecar are than one: the same input over four
 * partitions, 5 ms of processor time a record, a store for each key. Outputs must be the same.
 *
 *   npm run build && node --import tsx --conditions=@outrigger/source test/bench/workers.ts \
 *     [--records 1600] [--workers 4] [--rounds 3]
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LANGUAGES, setUp } from "../conformance/languages.ts";
import { bestBroker } from "../ops/scene.ts";
import type { JudgedRecord } from "../support/judges.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";
import { produce } from "../support/topics.ts";

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "1600" },
    workers: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
  },
});
const KEYS = 200;
const TIMEOUT_MS = 120_000;
const PYTHON = join(REPOSITORY_ROOT, "clients/python/.venv/bin/python");
const APP = join(REPOSITORY_ROOT, "test/support/apps/busy.py");

const python = LANGUAGES.find(({ name }) => name === "python");
assert.ok(python);
setUp(python);
const kind = bestBroker();
const broker = await kind.start();
const records = Array.from({ length: Number(options.records) }, (_, i) => {
  return { key: `key-${i % KEYS}`, value: `v${i}` };
});

/** From the input's first record to the last output, and the outputs of each partition in order. */
async function run(workers: number): Promise<{ ms: number; outputs: string[] }> {
  const scene = await Scene.make(kind.name, broker, `workers-${workers}`);
  try {
    const sidecar = scene.startSidecar();
    const said = (text: string): number => sidecar.output.split(text).length - 1;
    for (let i = 0; i < workers; i++) scene.startCommand(PYTHON, APP);
    await eventually("the workers", () => said("worker connected") >= workers, scene.children);
    await eventually("the tasks", () => said("task created") >= 4, scene.children);
    const startedAt = performance.now();
    await produce(scene.kafka, scene.input, records);
    await scene.outputs(records.length, TIMEOUT_MS);
    const ms = performance.now() - startedAt;
    const [judged = []] = await scene.judge();
    return { ms, outputs: judged.map(line).sort() };
  } finally {
    await scene.end();
  }
}

function line({ partition, offset, key, value }: JudgedRecord): string {
  return `${partition} ${String(offset).padStart(12)} ${key} ${value}`;
}

/** Without offsets, which transactions' markers share. */
function inOrder(outputs: readonly string[]): string[] {
  return outputs.map((output) => output.replace(/^(\d+) +\d+/, "$1"));
}

const ratios: number[] = [];
const many = Number(options.workers);
for (let round = 1; round <= Number(options.rounds); round++) {
  const [one, several] = [await run(1), await run(many)];
  assert.deepEqual(inOrder(several.outputs), inOrder(one.outputs), "the outputs differ");
  ratios.push(one.ms / several.ms);
  const times = `1 worker ${Math.round(one.ms)} ms, ${many} workers ${Math.round(several.ms)} ms`;
  process.stdout.write(`round ${round}: ${times}, ${ratios.at(-1)?.toFixed(2)} times as fast\n`);
}
await broker.stop();
const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)];
process.stdout.write(`${many} workers: ${median?.toFixed(2)} times as fast as one\n`);
