/**
 * What telemetry costs: a stateless copy through the sidecar and the TypeScript SDK on a real Kafka, in
 * several modes whose runs are interleaved, so that what else the machine does hits all of them.
 *
 *   npm run build && node --import tsx --conditions=@outrigger/source test/bench/telemetry.ts \
 *     [--records 1000000] [--rounds 5] [--baseline <dist/src/main.js of another build>] \
 *     [--only <how a mode's name begins>] [--app copy|counter] [--young <MB>]
 */

import { createServer } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import kafkajs, { type Kafka } from "kafkajs";
import { availableBrokers } from "../support/brokers.ts";
import { REPOSITORY_ROOT } from "../support/kafka-jars.ts";
import { freePort } from "../support/ports.ts";
import { cpuMs } from "../support/proc.ts";
import { Scene } from "../support/scene.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { makeTopics } from "../support/topics.ts";

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "5" },
    baseline: { type: "string" },
    /** Only the modes whose names begin so, beside "off". */
    only: { type: "string", default: "" },
    /** One of test/support/apps: `copy` has no state, `counter` a store. */
    app: { type: "string", default: "copy" },
    /** Holds V8's young generation at this size in every mode: what the collector does is then alike. */
    young: { type: "string" },
  },
});
const RECORDS = Number(options.records);
const ROUNDS = Number(options.rounds);
/** One record in a hundred is sampled by its producer. */
const SAMPLED_EACH = 100;
/** Measured from here on: what comes before is warming up, the first export among it. */
const FROM_SHARE = 0.2;
const FROM_MS = 12_000;
const NODE_FLAGS = options.young === undefined ? [] : [`--max-semi-space-size=${options.young}`];
const MAIN = join(REPOSITORY_ROOT, "dist/src/main.js");

interface Mode {
  readonly name: string;
  readonly main: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly scraped: boolean;
}

function modes(endpoint: string): Mode[] {
  const otlp = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_METRIC_EXPORT_INTERVAL: "10000",
  };
  const plain = { main: MAIN, env: {}, scraped: false };
  const off = { ...plain, name: "off", flags: { "http.address": "off" } };
  const all = { "http.address": "off", "tracing.record.spans.max": "1000000" };
  const { baseline } = options;
  return [
    off,
    ...(baseline === undefined ? [] : [{ ...off, name: "baseline", main: baseline, flags: {} }]),
    { ...plain, name: "scraped", flags: {}, scraped: true },
    { ...plain, name: "traced, 1 % of all", flags: all, env: otlp },
    {
      ...plain,
      name: "traced fully, 1 % of records",
      flags: all,
      env: { ...otlp, OTEL_TRACES_SAMPLER: "parentbased_always_on" },
    },
  ];
}

/** Takes what exporters send and looks at nothing: a collector is on another machine. */
async function sink(): Promise<{ readonly endpoint: string; bytes: number; close(): void }> {
  const server = createServer((request, response) => {
    request.on("data", (part: Buffer) => {
      taken.bytes += part.length;
    });
    request.on("end", () => response.end());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const taken = {
    endpoint: `http://127.0.0.1:${port}`,
    bytes: 0,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return taken;
}

async function fill(kafka: Kafka, topic: string): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const value = "x".repeat(100);
  for (let from = 0; from < RECORDS; from += 10_000) {
    const messages = Array.from({ length: Math.min(10_000, RECORDS - from) }, (_, i) => {
      const n = from + i;
      const flags = n % SAMPLED_EACH === 0 ? "01" : "00";
      const id = (n + 1).toString(16);
      const traceparent = `00-${id.padStart(32, "0")}-${id.padStart(16, "0")}-${flags}`;
      return { key: `key-${n % 10_000}`, value, headers: { traceparent } };
    });
    await producer.send({ topic, acks: 1, messages });
  }
  await producer.disconnect();
}

interface Result {
  /** Records per second. */
  readonly rate: number;
  /** Processor time of the sidecar, which other work on the machine changes little. */
  readonly cpuMicros: number;
}

/** Measured between two commits: the first behind `FROM_SHARE`, and the last. */
async function run(scene: Scene, mode: Mode, number: number): Promise<Result> {
  const group = `bench-${number}`;
  const output = `${group}-out`;
  await makeTopics(scene.kafka, [output], { "retention.ms": "-1" });
  const http = `127.0.0.1:${await freePort()}`;
  const flags = {
    "bootstrap.servers": scene.settings.bootstrapServers,
    "application.id": group,
    "state.dir": scene.settings.stateDir,
    "server.address": scene.settings.address,
    "replication.factor": "1",
    ...(mode.scraped ? { "http.address": http } : mode.flags),
  };
  const args = Object.entries(flags).flatMap(([key, value]) => [`--${key}`, value]);
  const sidecar = new Child("sidecar", [...NODE_FLAGS, mode.main, "run", ...args], { ...mode.env });
  const script = join(REPOSITORY_ROOT, `dist/test/support/apps/${options.app}.js`);
  const app = new Child(options.app, [script], {
    OUTRIGGER_ADDRESS: scene.settings.address,
    OUTRIGGER_TEST_IN: scene.input,
    OUTRIGGER_TEST_OUT: output,
  });
  const scraping = setInterval(() => {
    if (mode.scraped)
      fetch(`http://${http}/metrics`).then(
        (answer) => answer.text(),
        () => {},
      );
  }, 1_000);
  const startedAtMs = performance.now();
  const admin = scene.kafka.admin();
  await admin.connect();
  const warm: { at: { atMs: number; count: number; cpuMs: number } | null } = { at: null };
  let last = { atMs: 0, count: 0, cpuMs: 0 };
  const isDone = async (): Promise<boolean> => {
    const asked = admin.fetchOffsets({ groupId: group, topics: [scene.input] });
    // The group's coordinator may be loading still.
    const [topic] = await asked.catch(() => []);
    let count = 0;
    for (const { offset } of topic?.partitions ?? []) count += Math.max(0, Number(offset));
    last = { atMs: performance.now(), count, cpuMs: cpuMs(sidecar.pid) };
    const isWarm = last.atMs - startedAtMs >= FROM_MS && count >= RECORDS * FROM_SHARE;
    if (warm.at === null && isWarm && count < RECORDS) warm.at = last;
    return count >= RECORDS;
  };
  try {
    await eventually(`${mode.name} to copy all`, isDone, [sidecar, app], 300_000);
  } finally {
    clearInterval(scraping);
    await sidecar.stop();
    await app.kill();
    await admin.deleteTopics({ topics: [output] });
    await admin.disconnect();
  }
  const from = warm.at;
  if (from === null) throw new Error("all was copied while it warmed up: use more --records");
  const count = last.count - from.count;
  return {
    rate: (count / (last.atMs - from.atMs)) * 1_000,
    cpuMicros: ((last.cpuMs - from.cpuMs) / count) * 1_000,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const kind = availableBrokers().at(-1);
if (kind?.name !== "kafka") throw new Error("this needs a real Kafka: install Java 17");
const broker = await kind.start();
const scene = await Scene.make("kafka", broker, "bench");
const collector = await sink();
const results = new Map<string, Result[]>();
try {
  await fill(scene.kafka, scene.input);
  let number = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const all = modes(collector.endpoint).filter(({ name }) => {
      return name === "off" || name.startsWith(options.only);
    });
    // Each round in another order: none is always first.
    for (const mode of [...all.slice(round % all.length), ...all.slice(0, round % all.length)]) {
      const result = await run(scene, mode, number++);
      results.set(mode.name, [...(results.get(mode.name) ?? []), result]);
      const said = `${Math.round(result.rate)}/s, ${result.cpuMicros.toFixed(2)} µs a record`;
      process.stdout.write(`round ${round + 1}  ${mode.name.padEnd(30)} ${said}\n`);
    }
  }
} finally {
  await scene.end();
  collector.close();
  await broker.stop();
}
const base = results.get("off") ?? [];
const versus = (each: readonly Result[], of: (result: Result) => number): string => {
  const ratios = each.map((result, round) => {
    const other = base[round];
    return other === undefined ? Number.NaN : of(result) / of(other);
  });
  const [least = 0, most = 0] = [Math.min(...ratios), Math.max(...ratios)];
  return `${median(ratios).toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`;
};
process.stdout.write(`\n${RECORDS} records, ${ROUNDS} rounds; ratios to "off" of the same round\n`);
for (const [name, each] of results) {
  const rate = versus(each, (result) => result.rate);
  const cpu = versus(each, (result) => result.cpuMicros);
  process.stdout.write(`${name.padEnd(30)} throughput ${rate}  processor time ${cpu}\n`);
}
process.stdout.write(`${Math.round(collector.bytes / 1_024)} KiB were exported\n`);
