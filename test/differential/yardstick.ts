import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { departureMs, loadFlights } from "../../demo/flights.ts";
import { partitionOf } from "../../src/kafka/produce/murmur2.ts";
import { fill } from "../bench/side-by-side/java.ts";
import { type Language, setUp, startApplication } from "../conformance/languages.ts";
import { type JudgedRecord, readWithJava } from "../support/judges.ts";
import { startKafka } from "../support/kafka-broker.ts";
import { Pair } from "../support/pair.ts";
import { Child, eventually } from "../support/sidecar-process.ts";
import { makeTopics, produce } from "../support/topics.ts";
import { isAtEnd, type RealBroker, realBroker } from "./real.ts";
import { differentialJava } from "./streams.ts";

/**
 * The yardstick (group by key, count in windows of 5 minutes, map, sink): the example `window-counts` of each
 * SDK, held against the same in Kafka Streams, record by record.
 */
export const EXAMPLE = "window-counts";
const [INPUT, OUTPUT, THEIR_OUTPUT] = ["events", "event-counts", "their-event-counts"];
const PARTITIONS = 4;
const WINDOW_MS = 300_000;
const END_MS = 180_000;
const THEIRS = "kafka-streams";

/** What the yardstick reads, and the least of windows that must come of it. */
export interface YardstickInput {
  readonly name: string;
  readonly windowsMin: number;
  readonly send: (broker: RealBroker) => Promise<void>;
}

/** Every flight of the demo, by its airport, at its departure. */
export function flightsInput(): YardstickInput {
  const flights = loadFlights().map((flight) => {
    return { key: flight.origin, value: flight.destination, timestamp: departureMs(flight) };
  });
  const windows = flights.map(
    ({ key, timestamp }) => `${key}@${Math.floor(timestamp / WINDOW_MS)}`,
  );
  return {
    name: `${flights.length} flights`,
    windowsMin: new Set(windows).size,
    send: async ({ kafka }) => await produce(kafka, INPUT, flights),
  };
}

const KEYS = 10_000;
const WINDOWS = 6;

/** The generated input of the benchmark: 10,000 keys in 6 windows, some empty when records are few. */
export function generatedInput(records: number): YardstickInput {
  const baseMs = (Math.floor(Date.now() / WINDOW_MS) - 2 * WINDOWS) * WINDOW_MS;
  const order = "uniform" as const;
  const dataset = { records, baseMs, seed: 42, keys: KEYS, order, valueBytes: 100 };
  const empty = Math.exp(-records / (KEYS * WINDOWS));
  return {
    name: `${records} generated records`,
    windowsMin: Math.floor(KEYS * WINDOWS * (1 - 1.1 * empty)),
    send: async ({ bootstrapServers }) => await fill(bootstrapServers, INPUT, dataset),
  };
}

/** What differs between each language and Kafka Streams: nothing, where the lists are empty. */
export async function compareYardstick(
  input: YardstickInput,
  languages: readonly Language[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const node = await startKafka();
  const broker = await realBroker(node.bootstrapServers);
  try {
    const retained = { "retention.ms": "-1" };
    await makeTopics(broker.kafka, [INPUT, THEIR_OUTPUT], retained, PARTITIONS);
    await input.send(broker);
    const theirs = await runTheirs(broker);
    const windows = new Set(theirs.map(({ key }) => String(key))).size;
    const least = `Kafka Streams made ${windows} windows, not ${input.windowsMin}`;
    if (windows < input.windowsMin) throw new Error(least);
    const differences = new Map<string, readonly string[]>();
    for (const language of languages) {
      await makeTopics(broker.kafka, [OUTPUT], retained, PARTITIONS);
      differences.set(language.name, differencesOf(await runOurs(broker, language), theirs));
      await deleteOutput(broker);
    }
    return differences;
  } finally {
    await broker.admin.disconnect();
    await node.stop();
  }
}

async function runTheirs(broker: RealBroker): Promise<JudgedRecord[]> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-yardstick-"));
  const args = ["Yardstick", broker.bootstrapServers, INPUT, THEIR_OUTPUT, THEIRS, folder];
  const child = new Child(THEIRS, [...(await differentialJava()), ...args], {}, "java");
  try {
    await reachesTheEnd(broker, THEIRS, [child]);
    await child.stop();
    return await readWithJava(broker.bootstrapServers, [THEIR_OUTPUT]);
  } finally {
    if (child.isRunning) await child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runOurs(broker: RealBroker, language: Language): Promise<JudgedRecord[]> {
  setUp(language);
  const id = `yardstick-${language.name}`;
  const pair = new Pair(broker.bootstrapServers, id, (environment) =>
    startApplication(language, EXAMPLE, environment),
  );
  try {
    await reachesTheEnd(broker, id, pair.children);
    await pair.stop();
    return await readWithJava(broker.bootstrapServers, [OUTPUT]);
  } finally {
    await pair.end();
  }
}

async function reachesTheEnd(
  broker: RealBroker,
  id: string,
  children: readonly Child[],
): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const ended = children.find(({ isRunning }) => !isRunning);
    if (ended !== undefined) throw new Error(`${ended.name} has ended:\n${ended.output}`);
    return await isAtEnd(broker, id, [INPUT]);
  };
  await eventually(`${id} to read its input to the end`, isThere, children, END_MS);
}

/** The next language writes to a topic of this name, too. */
async function deleteOutput({ admin }: RealBroker): Promise<void> {
  await admin.deleteTopics({ topics: [OUTPUT] });
  await eventually(`${OUTPUT} to be gone`, async () => {
    return !(await admin.listTopics()).includes(OUTPUT);
  });
}

/** Record by record in the order of each task and partition; then what is last of each key. */
export function differencesOf(
  ours: readonly JudgedRecord[],
  theirs: readonly JudgedRecord[],
): string[] {
  const found =
    ours.length === theirs.length ? [] : [`${ours.length} records, not ${theirs.length}`];
  const [our, their] = [sequencesOf(ours), sequencesOf(theirs)];
  for (const where of new Set([...our.keys(), ...their.keys()])) {
    const [one = [], other = []] = [our.get(where), their.get(where)];
    const at = other.findIndex((text, index) => one[index] !== text);
    const index = at < 0 ? other.length : at;
    if (index === one.length && index === other.length) continue;
    found.push(`${where}, record ${index}: "${one[index]}", not "${other[index]}"`);
  }
  const [last, theirLast] = [tableOf(ours), tableOf(theirs)];
  for (const [key, value] of theirLast) {
    if (last.get(key) !== value) found.push(`last of ${key}: ${last.get(key)}, not ${value}`);
    last.delete(key);
  }
  for (const [key, value] of last) found.push(`last of ${key}: ${value}, not nothing`);
  return found;
}

/** A task's records in one partition have one order; how tasks lie among each other is nobody's promise. */
function sequencesOf(records: readonly JudgedRecord[]): Map<string, string[]> {
  const sequences = new Map<string, string[]>();
  for (const { partition, key, value, timestamp, headers } of records) {
    const read = (key ?? Buffer.alloc(0)).toString();
    const of = Buffer.from(read.slice(0, read.lastIndexOf("@")));
    const where = `task ${partitionOf(of, 0, of.length, PARTITIONS)}, partition ${partition}`;
    const sequence = sequences.get(where) ?? [];
    const all = headers.map(([name, header]) => `${name}:${header?.toString("hex")}`).join();
    sequence.push(`${read} ${value?.toString("hex")} ${timestamp} ${all}`);
    sequences.set(where, sequence);
  }
  return sequences;
}

function tableOf(records: readonly JudgedRecord[]): Map<string, string> {
  return new Map(records.map(({ key, value }) => [String(key), `${value?.toString("hex")}`]));
}
