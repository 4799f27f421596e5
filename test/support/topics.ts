import kafkajs, { type Admin, type IHeaders, type Kafka } from "kafkajs";
import type { JudgedRecord } from "./judges.ts";
import { eventually } from "./sidecar-process.ts";

/** An ordinary client, for setting a scene and for watching it. */
export function kafkaAt(bootstrapServers: string): Kafka {
  return new kafkajs.Kafka({
    clientId: "test",
    brokers: bootstrapServers.split(","),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 10 },
  });
}

export async function makeTopics(
  kafka: Kafka,
  topics: readonly string[],
  configs: Readonly<Record<string, string>> = { "retention.ms": "-1" },
  numPartitions = 4,
  replicationFactor = 1,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin.createTopics({
    // kafkajs would give up where a broker has not heard of its own topic yet.
    waitForLeaders: false,
    topics: topics.map((topic) => ({
      topic,
      numPartitions,
      replicationFactor,
      configEntries,
    })),
  });
  await eventually(`leaders of ${topics.join(", ")}`, () =>
    haveLeaders(admin, topics, numPartitions),
  );
  await admin.disconnect();
}

async function haveLeaders(
  admin: Admin,
  topics: readonly string[],
  count: number,
): Promise<boolean> {
  try {
    const found = await admin.fetchTopicMetadata({ topics: [...topics] });
    return found.topics.every(
      ({ partitions }) =>
        partitions.length === count && partitions.every(({ leader }) => leader >= 0),
    );
  } catch (error: unknown) {
    const isEarly = error instanceof kafkajs.KafkaJSProtocolError && error.retriable;
    if (isEarly || error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded) return false;
    throw error;
  }
}

export interface Input {
  readonly key: string;
  readonly value: string;
  readonly timestamp?: number;
}

/** Sends with an idempotent producer, in order. */
export async function produce(
  kafka: Kafka,
  topic: string,
  records: readonly Input[],
): Promise<void> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  for (let from = 0; from < records.length; from += 500) {
    const messages = records.slice(from, from + 500).map(({ key, value, timestamp }) => ({
      key,
      value,
      ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
    }));
    await producer.send({ topic, acks: -1, messages });
  }
  await producer.disconnect();
}

/** Collects committed records as they come: for waiting. What counts is said by the judges. */
export async function watch(
  kafka: Kafka,
  topic: string,
): Promise<{ readonly records: JudgedRecord[]; stop(): Promise<void> }> {
  const records: JudgedRecord[] = [];
  const consumer = kafka.consumer({
    groupId: `watch-${topic}-${Math.random()}`,
    readUncommitted: false,
    maxWaitTimeInMs: 50,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message: { offset, timestamp, key, value, headers } }) => {
      records.push({
        topic,
        partition,
        offset: Number(offset),
        timestamp: Number(timestamp),
        key,
        value,
        headers: headersOf(headers),
      });
    },
  });
  return { records, stop: () => consumer.disconnect() };
}

/** In the order of their first values: kafkajs puts those of one key together. */
function headersOf(headers: IHeaders = {}): JudgedRecord["headers"] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value) => [name, value === undefined ? null : Buffer.from(value)] as const),
  );
}
