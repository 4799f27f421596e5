import { readFileSync } from "node:fs";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { CODEC_NAMES, type CodecName } from "../../src/kafka/codecs/codec.ts";
import { createOffsets } from "../../src/kafka/fetch/offsets.ts";
import type { Cluster } from "../../src/kafka/network/cluster.ts";
import { createProducer } from "../../src/kafka/produce/transactional-producer.ts";
import { FETCH, fetchRequest } from "../../src/kafka/protocol/fetch.ts";
import { readBatchHeader } from "../../src/kafka/records/batch-header.ts";
import {
  HEADERS_END,
  HEADERS_POSITION,
  type RecordColumns,
  STRIDE,
} from "../../src/model/columns.ts";
import type { CutRecords, TransactionalProducer } from "../../src/ports/producer.ts";
import {
  type JudgedRecord,
  type ProduceStep,
  produceWithFranzGo,
  produceWithJava,
  produceWithLibrdkafka,
  readWithFranzGo,
  readWithJava,
  readWithLibrdkafka,
} from "./judges.ts";
import { REPOSITORY_ROOT } from "./kafka-jars.ts";
import { kafkaAt } from "./topics.ts";

/** A client that is not ours, and what it can do. False and null: not to be had on this machine. */
export interface Client {
  readonly name: string;
  readonly version: string;
  readonly codecs: readonly CodecName[];
  /** What it cannot write: it takes a timestamp of 0 for none, or cannot encode a null header. */
  readonly cannotWrite: readonly ("timestamp 0" | "null header")[];
  /** What it can hold, where that is less than 2^53 − 1 ms. */
  readonly lastTimestampMs?: number;
  /** It gives headers by their names, not in order. */
  readonly headersUnordered?: boolean;
  /** It takes a record with an int32-0 key for an abort marker, and so shows aborted records. */
  readonly seesAborted?: boolean;
  produce(bootstrapServers: string, steps: readonly ProduceStep[]): Promise<boolean>;
  read(bootstrapServers: string, topics: readonly string[]): Promise<JudgedRecord[] | null>;
}

export const CLIENTS: readonly Client[] = [
  {
    name: "Java client",
    version: version("test/kafka/pom.xml", /<version>(\d+\.\d+\.\d+)<\/version>/),
    codecs: CODEC_NAMES,
    cannotWrite: [],
    produce: async (bootstrap, steps) => {
      await produceWithJava(bootstrap, steps);
      return true;
    },
    read: readWithJava,
  },
  {
    name: "librdkafka",
    version: version("test/support/judges.ts", /confluent-kafka==([\d.]+)/),
    codecs: CODEC_NAMES,
    cannotWrite: ["timestamp 0"],
    produce: produceWithLibrdkafka,
    read: readWithLibrdkafka,
  },
  {
    name: "franz-go",
    version: version("test/kafka/franz-go/go.mod", /franz-go v([\d.]+)/),
    codecs: CODEC_NAMES,
    cannotWrite: [],
    // It counts in nanoseconds of 64 bits: until 2262.
    lastTimestampMs: 9_223_372_036_854,
    produce: produceWithFranzGo,
    read: readWithFranzGo,
  },
  {
    name: "kafkajs",
    version: version("package.json", /"kafkajs": "([\d.]+)"/),
    codecs: ["none", "gzip"],
    cannotWrite: ["null header"],
    headersUnordered: true,
    seesAborted: true,
    produce: produceWithKafkajs,
    read: readWithKafkajs,
  },
];

function version(file: string, pattern: RegExp): string {
  return pattern.exec(readFileSync(join(REPOSITORY_ROOT, file), "utf8"))?.[1] ?? "?";
}

async function produceWithKafkajs(
  bootstrapServers: string,
  steps: readonly ProduceStep[],
): Promise<boolean> {
  const kafka = kafkaAt(bootstrapServers);
  const open = new Map<string, KafkajsProducer>();
  for (const step of steps) {
    let producer = open.get(step.id);
    if (producer === undefined) {
      producer = await KafkajsProducer.open(kafka, step.id);
      open.set(step.id, producer);
    }
    await producer.run(step);
  }
  for (const producer of open.values()) await producer.close();
  return true;
}

class KafkajsProducer {
  readonly #producer: kafkajs.Producer;
  readonly #compression: kafkajs.CompressionTypes;
  #transaction: kafkajs.Transaction | null = null;
  #pending: Extract<ProduceStep, { do: "send" }>[] = [];

  private constructor(producer: kafkajs.Producer, compression: kafkajs.CompressionTypes) {
    this.#producer = producer;
    this.#compression = compression;
  }

  static async open(kafka: kafkajs.Kafka, name: string): Promise<KafkajsProducer> {
    const [id = "-", codec] = name.split("@");
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      ...(id === "-" ? {} : { transactionalId: id }),
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const { GZIP, None } = kafkajs.CompressionTypes;
    return new KafkajsProducer(producer, codec === "gzip" ? GZIP : None);
  }

  async run(step: ProduceStep): Promise<void> {
    switch (step.do) {
      case "begin":
        this.#transaction = await this.#producer.transaction();
        return;
      case "send":
        this.#pending.push(step);
        return;
      case "flush":
        await this.#flush();
        return;
      case "commit":
      case "abort":
        await this.#flush();
        await this.#transaction?.[step.do]();
        this.#transaction = null;
        return;
    }
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#producer.disconnect();
  }

  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    const [first] = pending;
    if (first === undefined) return;
    await (this.#transaction ?? this.#producer).send({
      topic: first.topic,
      acks: -1,
      compression: this.#compression,
      messages: pending.map(({ partition, timestamp, key, value, headers = [] }) => ({
        partition,
        timestamp: String(timestamp),
        key,
        value,
        headers: Object.fromEntries(
          [...new Set(headers.map(([name]) => name))].map((name) => [
            name,
            headers.flatMap(([each, bytes]) => (each === name && bytes !== null ? [bytes] : [])),
          ]),
        ),
      })),
    });
  }
}

async function readWithKafkajs(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<JudgedRecord[]> {
  const kafka = kafkaAt(bootstrapServers);
  const admin = kafka.admin();
  await admin.connect();
  const left = new Map<string, number>();
  for (const topic of topics) {
    const offsets = await admin.fetchTopicOffsets(topic);
    for (const { partition, high } of offsets) {
      if (Number(high) > 0) left.set(`${topic}/${partition}`, Number(high));
    }
  }
  await admin.disconnect();
  const records: JudgedRecord[] = [];
  const groupId = `judge-${Math.random()}`;
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const run = consumer.run({
      eachBatch: async ({ batch }) => {
        const { topic, partition } = batch;
        for (const message of batch.messages) {
          const { offset, timestamp, key, value, headers = {} } = message;
          const place = { topic, partition, offset: Number(offset), timestamp: Number(timestamp) };
          const list = Object.entries(headers).flatMap(([name, values]) =>
            [values]
              .flat()
              .map(
                (each) =>
                  [name, each === undefined || each === null ? null : Buffer.from(each)] as const,
              ),
          );
          records.push({ ...place, key, value, headers: list });
        }
        const end = left.get(`${topic}/${partition}`) ?? 0;
        if (Number(batch.lastOffset()) >= end - 1) left.delete(`${topic}/${partition}`);
        if (left.size === 0) resolve();
      },
    });
    run.catch(reject);
  });
  await consumer.disconnect();
  return records;
}

/** Our own data path, read committed, to the end of partition 0. */
export async function readWithOurs(
  cluster: Cluster,
  topics: readonly string[],
): Promise<JudgedRecord[]> {
  const signal = AbortSignal.timeout(60_000);
  const offsets = createOffsets(cluster, "interop");
  const records: JudgedRecord[] = [];
  for (const topic of topics) {
    const at = { topic, partition: 0 };
    const { start, end } = await offsets.range(at, signal);
    for await (const { columns } of offsets.read(at, start, end, signal)) {
      for (let row = 0; row < columns.count; row++) {
        const copy = (bytes: Buffer | null) => bytes && Buffer.from(bytes);
        records.push({
          ...at,
          offset: columns.offsets[row] ?? -1,
          timestamp: columns.timestamps[row] ?? -1,
          key: copy(columns.key(row)),
          value: copy(columns.value(row)),
          headers: headersOf(columns, row),
        });
      }
    }
  }
  return records;
}

/** The codecs of the batches that a topic holds, markers aside: who says it compresses must do so. */
export async function codecsIn(cluster: Cluster, topic: string): Promise<CodecName[]> {
  const signal = AbortSignal.timeout(60_000);
  const at = { topic, partition: 0 };
  const leader = await cluster.leader(topic, 0, signal);
  const topicId = cluster.knownTopicId(topic) ?? "";
  const { end } = await createOffsets(cluster, "interop").range(at, signal);
  const bytesMax = 8 * 1024 * 1024;
  const bounds = { waitMaxMs: 0, bytesMin: 1, bytesMax, partitionBytesMax: bytesMax };
  const found = new Set<CodecName>();
  for (let offset = 0; offset < end; ) {
    const position = { topicId, partition: 0, offset, leaderEpoch: leader.epoch, lastEpoch: -1 };
    const answer = await cluster.send(leader.brokerId, "restore", FETCH, (chosen) =>
      fetchRequest(chosen, [position], bounds),
    );
    const fetched = answer.partitions[0];
    if (fetched === undefined || fetched.end === fetched.start) throw new Error("nothing fetched");
    for (let start = fetched.start; ; ) {
      const batch = readBatchHeader(fetched.bytes, start, fetched.end, at);
      if (batch === null) break;
      if (!batch.control) found.add(CODEC_NAMES[batch.codec] ?? "none");
      start = batch.end;
      offset = batch.lastOffset + 1;
    }
  }
  return [...found];
}

/** Kafka's record format, read by hand: the decoder under test only finds where it stands. */
function headersOf(columns: RecordColumns, row: number): (readonly [string, Buffer | null])[] {
  let at = columns.positions[row * STRIDE + HEADERS_POSITION] ?? 0;
  const end = columns.positions[row * STRIDE + HEADERS_END] ?? 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = columns.bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  };
  const bytes = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return Buffer.from(columns.bytes.subarray(at - length, at));
  };
  const headers = Array.from({ length: varint() }, () => [String(bytes()), bytes()] as const);
  if (at !== end) throw new Error(`headers end at ${at}, not at ${end}`);
  return headers;
}

function headersBytes(headers: NonNullable<JudgedRecord["headers"]>): Buffer {
  const varint = (value: number): Buffer => {
    const bytes: number[] = [];
    let rest = (value << 1) ^ (value >> 31);
    for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    return Buffer.from([...bytes, rest]);
  };
  const field = (bytes: Buffer | null): Buffer[] =>
    bytes === null ? [varint(-1)] : [varint(bytes.length), bytes];
  const all = headers.flatMap(([name, value]) => [...field(Buffer.from(name)), ...field(value)]);
  return Buffer.concat([varint(headers.length), ...all]);
}

/** The same script by our transactional producer; the id `-` has a transaction for each flush. */
export async function produceWithOurs(
  cluster: Cluster,
  steps: readonly ProduceStep[],
): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const open = new Map<string, OurProducer>();
  for (const step of steps) {
    let producer = open.get(step.id);
    if (producer === undefined) {
      const [id = "", codec = "none"] = step.id.split("@");
      const compression = CODEC_NAMES.find((name) => name === codec) ?? "none";
      const transactionalId = id === "-" ? `plain-${codec}` : id;
      const identity = { transactionalId, groupId: "interop", transactionTimeoutMs: 60_000 };
      const made = createProducer(cluster, { ...identity, compression });
      const init = await made.initialize(signal);
      if (init.kind !== "ready") throw init.error;
      producer = new OurProducer(made, id !== "-");
      open.set(step.id, producer);
    }
    await producer.run(step, signal);
  }
  for (const producer of open.values()) await producer.close();
}

class OurProducer {
  readonly #producer: TransactionalProducer;
  readonly #isTransactional: boolean;
  #cut: CutRecords | null = null;

  constructor(producer: TransactionalProducer, isTransactional: boolean) {
    this.#producer = producer;
    this.#isTransactional = isTransactional;
  }

  async run(step: ProduceStep, signal: AbortSignal): Promise<void> {
    switch (step.do) {
      case "begin":
        return;
      case "send":
        await this.#producer.prepare([step.topic], signal);
        this.#append(step);
        return;
      case "flush":
        await this.#flush();
        if (!this.#isTransactional) await this.#end("commit");
        return;
      case "commit":
      case "abort":
        await this.#flush();
        await this.#end(step.do);
        return;
    }
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  #append({
    topic,
    partition,
    timestamp,
    key,
    value,
    headers = [],
  }: Extract<ProduceStep, { do: "send" }>) {
    this.#cut ??= this.#producer.begin();
    const none = Buffer.alloc(0);
    const bytes = headers.length === 0 ? null : headersBytes(headers);
    this.#cut.append({
      topic,
      partition,
      timestamp,
      keyBytes: key ?? none,
      keyPosition: 0,
      keyLength: key?.length ?? -1,
      valueBytes: value ?? none,
      valuePosition: 0,
      valueLength: value?.length ?? -1,
      headersBytes: bytes,
      headersPosition: 0,
      headersEnd: bytes?.length ?? 0,
    });
  }

  async #flush(): Promise<void> {
    const cut = this.#cut;
    this.#cut = null;
    if (cut === null) return;
    const verdict = await this.#producer.produce(cut);
    if (verdict.kind !== "acked") throw verdict.error;
  }

  async #end(outcome: "commit" | "abort"): Promise<void> {
    const verdict = await this.#producer.end(outcome, "first");
    if (verdict.kind !== "ended") throw verdict.error;
  }
}
