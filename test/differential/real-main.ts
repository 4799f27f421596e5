import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafka } from "../support/kafka-broker.ts";
import { writtenCases } from "./cases.ts";
import { StreamsInstances } from "./instances.ts";
import { isMissing, type Verdict } from "./judge.ts";
import { randomData } from "./random-data.ts";
import {
  prepare,
  type RealBroker,
  realBroker,
  runSidecar,
  runStreams,
  type Table,
  tablesOf,
} from "./real.ts";
import type { Case } from "./topology.ts";

const RECORDS = 1_000;

/** With four partitions what becomes of a key must not hang on how partitions interleave. */
const CHOSEN: readonly string[] = [
  "filter and mapValues",
  "one stream, three sinks",
  "process changes time and headers",
  "records that repeat are dropped",
  "a store listed backwards",
  "two processors side by side",
  "count over all time, mixed",
  "count, then several sinks",
  "count in windows of 1000 ms, grace 500 ms, late",
  "aggregate keyed over all time",
  "aggregate concat in tumbling windows, grace 5000 ms, random",
  "count behind two topics",
  "word count",
  "map, then count",
  "sum behind user code",
  "hopping windows, late",
  "sliding windows, late",
  "sessions, late",
];

/** Cases on a real broker, four partitions, by real instances of both; final tables are compared. */
export async function compareReal(
  only: string,
  report: (one: Case, verdict: Verdict) => void,
): Promise<void> {
  const node = await startKafka();
  const folder = mkdtempSync(join(tmpdir(), "outrigger-real-"));
  const streams = await StreamsInstances.start(node.bootstrapServers, folder);
  const broker = await realBroker(node.bootstrapServers);
  try {
    for (const [index, one] of chosen().entries()) {
      if (!one.name.includes(only)) continue;
      report(one, await judgeReal(broker, streams, `real-${index}`, one));
    }
  } finally {
    await broker.admin.disconnect();
    await streams.close();
    await node.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(): Case[] {
  const written = writtenCases();
  return CHOSEN.map((name) => {
    const one = written.find((other) => other.name === name);
    if (one === undefined) throw new Error(`there is no case "${name}"`);
    const topics = one.nodes.flatMap((node) => (node.op === "source" ? node.topics : []));
    const input = randomData(name.length, RECORDS, topics);
    // What has a null in it may be ahead of all others in its partition: D-2.
    const isWindowed = one.nodes.some(({ op }) => op === "windowedBy");
    const clear = input.filter(({ key, value }) => key !== null && value !== null);
    return { ...one, name: `real: ${name}`, input: isWindowed ? clear : input };
  });
}

async function judgeReal(
  broker: RealBroker,
  streams: StreamsInstances,
  prefix: string,
  one: Case,
): Promise<Verdict> {
  const { inputs, ours, theirs, outputs } = await prepare(broker, prefix, one);
  try {
    await runSidecar(broker, `${prefix}-ours`, ours, inputs);
  } catch (error: unknown) {
    if (!(error instanceof Error)) throw error;
    if (one.needs !== undefined && isMissing(error)) {
      return { kind: "skipped", why: `${one.needs}: ${error.message}` };
    }
    return { kind: "failed", why: [error.message] };
  }
  await runStreams(broker, streams, `${prefix}-theirs`, theirs, inputs);
  const our = await tablesOf(broker, `${prefix}-ours`, outputs);
  const their = await tablesOf(broker, `${prefix}-theirs`, outputs);
  const why = outputs.flatMap((topic) => differencesOf(topic, our.get(topic), their.get(topic)));
  return why.length > 0 ? { kind: "failed", why } : { kind: "passed", explained: new Map() };
}

function differencesOf(
  topic: string,
  ours: Table | undefined,
  theirs: Table | undefined,
): string[] {
  const [our, their] = [ours?.last ?? new Map(), theirs?.last ?? new Map()];
  const keys = [...new Set([...our.keys(), ...their.keys()])];
  const found = keys
    .filter((key) => our.get(key) !== their.get(key))
    .map((key) => `${topic}, key ${key}: ours ${our.get(key)}, theirs ${their.get(key)}`);
  if (ours?.records === theirs?.records) return found;
  return [`${topic}: ours ${ours?.records} records, theirs ${theirs?.records}`, ...found];
}
