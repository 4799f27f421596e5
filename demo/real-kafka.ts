import { readWithJava } from "../test/support/judges.ts";
import { startKafka } from "../test/support/kafka-broker.ts";
import { whyNoKafka } from "../test/support/kafka-jars.ts";
import type { DemoBroker, ReadUntil } from "./broker.ts";
import type { OutputRecord } from "./verify.ts";

/** A real Apache Kafka; the output is read back by Kafka's own Java consumer. */
export async function startKafkaForDemo(): Promise<DemoBroker> {
  const missing = whyNoKafka();
  if (missing !== null) {
    throw new Error(`--broker kafka needs a JDK of Java 17, but ${missing}; leave it out`);
  }
  const broker = await startKafka();
  return {
    name: "Apache Kafka 4.3.1",
    pid: broker.pid,
    bootstrapServers: broker.bootstrapServers,
    reader: "Kafka's Java consumer, read committed",
    read: (topic, until) => readUntil(broker.bootstrapServers, topic, until),
    stop: () => broker.stop(),
  };
}

async function readUntil(
  bootstrapServers: string,
  topic: string,
  { enough, settle, timeoutMs }: ReadUntil,
): Promise<OutputRecord[]> {
  const deadline = performance.now() + timeoutMs;
  while (!enough(await readAll(bootstrapServers, topic))) {
    if (performance.now() > deadline) break;
  }
  await settle();
  return await readAll(bootstrapServers, topic);
}

async function readAll(bootstrapServers: string, topic: string): Promise<OutputRecord[]> {
  const judged = await readWithJava(bootstrapServers, [topic]);
  return judged.map(({ partition, key, value }) => ({
    partition,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
  }));
}
