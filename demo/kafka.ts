import kafkajs, { type Kafka, type Message } from "kafkajs";
import type { ReadUntil } from "./broker.ts";
import { departureMs, type Flight } from "./flights.ts";
import type { OutputRecord } from "./verify.ts";

/** Everything here is kafkajs, an ordinary client: nothing of Outrigger's own data path. */

const PARTITIONS = 4;
const CHUNKS_PER_SECOND = 20;

export function connectKafka(bootstrapServers: string): Kafka {
  return new kafkajs.Kafka({
    clientId: "demo",
    brokers: bootstrapServers.split(","),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 8 },
  });
}

/** Records are of 2001, and brokers delete by record timestamp: without end. */
export async function createTopics(kafka: Kafka, topics: readonly string[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: "retention.ms", value: "-1" }];
  await admin.createTopics({
    waitForLeaders: true,
    topics: topics.map((topic) => ({
      topic,
      numPartitions: PARTITIONS,
      replicationFactor: 1,
      configEntries,
    })),
  });
  await admin.disconnect();
}

/** Sends the flights over `seconds`, in the order of the file. */
export async function feed(
  kafka: Kafka,
  flights: readonly Flight[],
  seconds: number,
  progress: (sent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const startedAt = performance.now();
  const chunk = Math.ceil(flights.length / (seconds * CHUNKS_PER_SECOND));
  for (let from = 0; from < flights.length && !signal.aborted; from += chunk) {
    const messages = flights.slice(from, from + chunk).map(toMessage);
    await producer.send({ topic: "flights", acks: -1, messages });
    progress(from + messages.length);
    const dueMs = startedAt + ((from + chunk) / flights.length) * seconds * 1_000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
  }
  await producer.disconnect();
}

function toMessage(flight: Flight): Message {
  return {
    key: flight.origin,
    value: JSON.stringify(flight),
    timestamp: String(departureMs(flight)),
  };
}

/** What a broker holds back of a fetch, and then some: nothing that was written comes later. */
const QUIET_MS = 1_000;

/** Reads committed records of a topic until there is enough or the time is up, and all that follow. */
export async function readCommitted(
  kafka: Kafka,
  topic: string,
  { enough, settle, timeoutMs }: ReadUntil,
): Promise<OutputRecord[]> {
  const records: OutputRecord[] = [];
  const consumer = kafka.consumer({
    groupId: `demo-reader-${topic}`,
    readUncommitted: false,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, timeoutMs);
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          const key = message.key?.toString() ?? null;
          records.push({ partition, key, value: message.value?.toString() ?? null });
          if (!enough(records)) return;
          clearTimeout(timer);
          resolve();
        },
      })
      .catch(reject);
  });
  // Whoever could write more has ended; what it wrote last, a doubled record among it, is read yet.
  await settle();
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  await consumer.disconnect();
  return records;
}
