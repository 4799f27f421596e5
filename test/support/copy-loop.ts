import { randomUUID } from "node:crypto";
import { connectKafka, type Kafka } from "../../src/kafka/client.ts";
import {
  KEY_LENGTH,
  KEY_POSITION,
  STRIDE,
  VALUE_LENGTH,
  VALUE_POSITION,
} from "../../src/model/columns.ts";
import type { TopicPartition } from "../../src/model/topic-partition.ts";
import type { Consumer, FetchedChunk, Membership } from "../../src/ports/consumer.ts";
import type {
  AppendedRecord,
  OffsetToCommit,
  TransactionalProducer,
} from "../../src/ports/producer.ts";

/**
 * The Kafka data path alone, as a loop: every record of a topic to another, its offsets in the same
 * transaction, a commit each 100 ms. The counterpart of `test/bench/java/CopyLoop.java`.
 *
 *   copy-loop.js BOOTSTRAP IN OUT GROUP RECORDS
 */
const [bootstrap = "", input = "", output = "", groupId = "", wanted = "0"] = process.argv.slice(2);
const RECORDS = Number(wanted);
const COMMIT_MS = 100;
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Chunks that wait for the next commit; a partition with too many is paused. */
class Pending {
  chunks: FetchedChunk[] = [];
  #bytes = 0;
  readonly #paused: TopicPartition[] = [];
  consumer: Consumer | null = null;

  add(chunk: FetchedChunk): void {
    this.chunks.push(chunk);
    this.#bytes += chunk.bytes;
    if (this.#bytes < PENDING_BYTES_MAX) return;
    this.consumer?.pause(chunk);
    this.#paused.push(chunk);
  }

  take(): FetchedChunk[] {
    const { chunks } = this;
    this.chunks = [];
    this.#bytes = 0;
    for (const at of this.#paused.splice(0)) this.consumer?.resume(at);
    return chunks;
  }
}

async function join(kafka: Kafka, owned: TopicPartition[]): Promise<Membership> {
  const memberId = randomUUID();
  let memberEpoch = 0;
  const beat = async (): Promise<number> => {
    const answer = await kafka.group.heartbeat({
      memberId,
      memberEpoch,
      topics: memberEpoch === 0 ? [input] : null,
      owned: memberEpoch === 0 ? [] : owned,
      rebalanceTimeoutMs: 10_000,
      assignor: "range",
    });
    if (answer.kind !== "member") return 100;
    memberEpoch = answer.memberEpoch;
    if (answer.assignment !== null) owned.splice(0, owned.length, ...answer.assignment);
    return owned.length === 0 ? 50 : answer.heartbeatIntervalMs;
  };
  while (owned.length === 0) await pause(await beat());
  const later = async (): Promise<void> => {
    const ms = await beat();
    setTimeout(() => void later(), ms).unref();
  };
  await later();
  return { memberId, memberEpoch };
}

const record: AppendedRecord = {
  topic: output,
  partition: -1,
  timestamp: 0,
  keyBytes: Buffer.alloc(0),
  keyPosition: 0,
  keyLength: -1,
  valueBytes: Buffer.alloc(0),
  valuePosition: 0,
  valueLength: -1,
  headersBytes: null,
  headersPosition: 0,
  headersEnd: 0,
};

/** One transaction; returns how many records it copied. */
async function commit(
  producer: TransactionalProducer,
  chunks: readonly FetchedChunk[],
  membership: Membership,
): Promise<number> {
  const cut = producer.begin();
  const offsets = new Map<number, OffsetToCommit>();
  for (const { topic, partition, columns, nextOffset, leaderEpoch } of chunks) {
    const { bytes, positions, timestamps, count } = columns;
    record.keyBytes = bytes;
    record.valueBytes = bytes;
    for (let row = 0; row < count; row++) {
      const at = row * STRIDE;
      record.timestamp = timestamps[row] ?? 0;
      record.keyPosition = positions[at + KEY_POSITION] ?? 0;
      record.keyLength = positions[at + KEY_LENGTH] ?? -1;
      record.valuePosition = positions[at + VALUE_POSITION] ?? 0;
      record.valueLength = positions[at + VALUE_LENGTH] ?? -1;
      cut.append(record);
    }
    offsets.set(partition, { topic, partition, offset: nextOffset, leaderEpoch, metadata: "" });
  }
  const { records } = cut;
  expect("acked", await producer.produce(cut));
  expect("accepted", await producer.sendOffsets([...offsets.values()], membership));
  expect("ended", await producer.end("commit", "first"));
  return records;
}

function expect(kind: string, verdict: { readonly kind: string }): void {
  if (verdict.kind !== kind) throw new Error(`${kind} was expected: ${JSON.stringify(verdict)}`);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

interface Point {
  readonly atMs: number;
  readonly cpuMs: number;
}

function now(): Point {
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), cpuMs: (user + system) / 1_000 };
}

const kafka = await connectKafka({
  bootstrapServers: [bootstrap],
  clientId: "copy-loop",
  groupId,
  transactionTimeoutMs: 10_000,
  limits: {},
  log: QUIET,
});
const pending = new Pending();
const consumer = kafka.consumer({
  fetched: (chunk) => pending.add(chunk),
  empty: () => {},
  failed: (_, __, error) => {
    throw error;
  },
});
pending.consumer = consumer;
const producer = kafka.producer(`${groupId}-0`);
await producer.prepare([output], AbortSignal.timeout(10_000));
expect("ready", await producer.initialize(AbortSignal.timeout(10_000)));
const owned: TopicPartition[] = [];
const membership = await join(kafka, owned);
const start = now();
for (const at of owned) consumer.start(at, { offset: 0, leaderEpoch: -1, fence: 1 });
let copied = 0;
let half: Point | null = null;
while (copied < RECORDS) {
  const startedAt = performance.now();
  const chunks = pending.take();
  if (chunks.length > 0) copied += await commit(producer, chunks, membership);
  if (half === null && copied >= RECORDS / 2) half = now();
  await pause(Math.max(0, COMMIT_MS - (performance.now() - startedAt)));
}
const end = now();
const from = half ?? start;
process.stdout.write(
  `${JSON.stringify({
    records: copied,
    totalCpuMs: end.cpuMs,
    ms: end.atMs - start.atMs,
    cpuMs: end.cpuMs - start.cpuMs,
    lastHalfMs: end.atMs - from.atMs,
    lastHalfCpuMs: end.cpuMs - from.cpuMs,
  })}\n`,
);
const leave = { memberId: membership.memberId, memberEpoch: -1, topics: null, owned: null };
await kafka.group.heartbeat({ ...leave, rebalanceTimeoutMs: -1, assignor: null });
await producer.close();
await kafka.close();
