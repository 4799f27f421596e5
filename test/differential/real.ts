import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import { partitionOf } from "../../src/kafka/produce/murmur2.ts";
import { unlessNotReady } from "../checker/workload.ts";
import { type JudgedRecord, produceWithJava, readWithJava } from "../support/judges.ts";
import { eventually, startSidecarProcess } from "../support/sidecar-process.ts";
import { kafkaAt, makeTopics } from "../support/topics.ts";
import { applicationOf } from "./application.ts";
import { textOf } from "./compare.ts";
import { type EncodedInput, encodedInput } from "./encode.ts";
import type { Guarantee, StreamsInstances } from "./instances.ts";
import type { Case, NodeSpec } from "./topology.ts";

/** A case with topics of its own on a real broker, for two applications that read the same input. */
export interface RealCase {
  readonly inputs: readonly string[];
  readonly ours: readonly NodeSpec[];
  readonly theirs: readonly NodeSpec[];
  readonly outputs: readonly string[];
}

export interface RealBroker {
  readonly bootstrapServers: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
}

const PARTITIONS = 4;
const PACE_MS = 300;

/** How many records there are, and the last value of each key, as they show. */
export interface Table {
  readonly records: number;
  readonly last: ReadonlyMap<string, string>;
}

/** Makes the topics, and sends the input to where Java's client would. */
export async function prepare(broker: RealBroker, prefix: string, one: Case): Promise<RealCase> {
  const sources = new Set(one.nodes.flatMap((node) => (node.op === "source" ? node.topics : [])));
  const sinks = new Set(one.nodes.flatMap((node) => (node.op === "to" ? [node.topic] : [])));
  const inputs = [...sources].map((topic) => `${prefix}-${topic}`);
  const outputs = [...sinks];
  const both = outputs.flatMap((topic) => [`${prefix}-ours-${topic}`, `${prefix}-theirs-${topic}`]);
  await makeTopics(broker.kafka, [...inputs, ...both], { "retention.ms": "-1" }, PARTITIONS);
  await send(broker, prefix, encodedInput(one.nodes, one.input));
  const named = (who: string) => one.nodes.map((node) => renamed(node, prefix, who));
  return { inputs, ours: named("ours"), theirs: named("theirs"), outputs };
}

function renamed(node: NodeSpec, prefix: string, who: string): NodeSpec {
  if (node.op === "source") {
    return { ...node, topics: node.topics.map((topic) => `${prefix}-${topic}`) };
  }
  return node.op === "to" ? { ...node, topic: `${prefix}-${who}-${node.topic}` } : node;
}

/** A record without a key goes to partition 0: any would do. */
export async function send(
  { bootstrapServers }: RealBroker,
  prefix: string,
  input: readonly EncodedInput[],
): Promise<void> {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, "base64"));
  const steps = input.map(({ topic, key: text, value, at, headers }) => {
    const key = bytes(text);
    const partition = key === null ? 0 : partitionOf(key, 0, key.length, PARTITIONS);
    const record = { topic: `${prefix}-${topic}`, partition, timestamp: at, key };
    const named = headers.map(([name, header]) => [name, bytes(header)] as const);
    return { do: "send", id: "-", ...record, value: bytes(value), headers: named } as const;
  });
  await produceWithJava(bootstrapServers, [...steps, { do: "flush", id: "-" }]);
}

/** Runs it in a sidecar with an application in this process, to the end of its input. */
export async function runSidecar(
  broker: RealBroker,
  id: string,
  nodes: readonly NodeSpec[],
  inputs: readonly string[],
  flags: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-real-"));
  const address = `unix:${join(folder, "s.sock")}`;
  const settings = { applicationId: id, stateDir: join(folder, "state"), address, flags };
  const app = applicationOf(nodes, id);
  const sidecar = startSidecarProcess({ bootstrapServers: broker.bootstrapServers, ...settings });
  const stop = new AbortController();
  const running = app.run({ address, signal: stop.signal });
  // Rejects where the sidecar refuses the topology, and ends with the sidecar.
  const refused = running.then(() => Promise.reject(new Error("the application has ended")));
  const ended = sidecar.ended().then((code) => {
    throw new Error(`the sidecar ended with ${code}: ${sidecar.output}`);
  });
  refused.catch(() => {});
  ended.catch(() => {});
  try {
    const atEnd = eventually(
      `the end of ${inputs.join(", ")}`,
      () => isAtEnd(broker, id, inputs),
      [sidecar],
      120_000,
    );
    await Promise.race([atEnd, refused, ended]);
    stop.abort();
    await running;
    await sidecar.stop();
  } finally {
    stop.abort();
    if (sidecar.isRunning) await sidecar.kill();
    await running.catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same by Kafka Streams. */
export async function runStreams(
  broker: RealBroker,
  streams: StreamsInstances,
  id: string,
  nodes: readonly NodeSpec[],
  inputs: readonly string[],
  guarantee: Guarantee = "exactly_once_v2",
): Promise<void> {
  await streams.run(id, nodes, guarantee);
  await eventually(
    `the end of ${inputs.join(", ")}`,
    () => isAtEnd(broker, id, inputs),
    [],
    120_000,
  );
  await streams.stop(id);
}

/** Everything of the input is committed, and of the repartition topics between. */
export async function isAtEnd(
  { admin }: RealBroker,
  id: string,
  inputs: readonly string[],
): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  const isRead = await unlessNotReady(async () => {
    const own = (await admin.listTopics()).filter((topic) => {
      return topic.startsWith(`${id}-`) && topic.endsWith("-repartition");
    });
    for (const topic of [...inputs, ...own]) {
      // The last of a repartition topic is the marker of a transaction.
      if (!(await isReadTo(admin, id, topic, inputs.includes(topic) ? 0 : 1))) return false;
    }
    return true;
  });
  return isRead ?? false;
}

async function isReadTo(admin: Admin, id: string, topic: string, slack: number): Promise<boolean> {
  const committed = await committedOf(admin, id, topic);
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.every(({ partition, high }) => {
    return Number(high) === 0 || (committed.get(partition) ?? -1) >= Number(high) - slack;
  });
}

async function committedOf(admin: Admin, groupId: string, topic: string) {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const partitions = found?.partitions ?? [];
  return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** What readers of committed records find in the outputs of one of the two, by topic as the case names it. */
export async function tablesOf(
  { bootstrapServers }: RealBroker,
  prefix: string,
  outputs: readonly string[],
): Promise<ReadonlyMap<string, Table>> {
  const topics = outputs.map((topic) => `${prefix}-${topic}`);
  const records = await readWithJava(bootstrapServers, topics);
  const tableOf = (topic: string): Table => {
    const own = records.filter((record) => record.topic === topic);
    return { records: own.length, last: lastByKey(own) };
  };
  return new Map(outputs.map((topic) => [topic, tableOf(`${prefix}-${topic}`)]));
}

export function lastByKey(records: readonly JudgedRecord[]): ReadonlyMap<string, string> {
  return new Map(records.map(({ key, value }) => [textOf(key), textOf(value)]));
}

export async function realBroker(bootstrapServers: string): Promise<RealBroker> {
  const kafka = kafkaAt(bootstrapServers);
  const admin = kafka.admin();
  await admin.connect();
  return { bootstrapServers, kafka, admin };
}
