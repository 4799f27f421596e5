import { readWithJava } from "../test/support/judges.ts";
import { startKafka } from "../test/support/kafka-broker.ts";
import { whyNoJava } from "../test/support/kafka-jars.ts";
import type { DemoBroker } from "./broker.ts";
import type { OutputRecord } from "./verify.ts";

const READ_TIMEOUT_MS = 40_000;

/** A real Apache Kafka; the output is read back by Kafka's own Java consumer. */
export async function startKafkaForDemo(): Promise<DemoBroker> {
  const missing = whyNoJava();
  if (missing !== null) {
    throw new Error(`--broker kafka needs Java 17 and a JDK, but ${missing}; leave it out`);
  }
  const broker = await startKafka();
  return {
    name: "Apache Kafka 4.3.1",
    pid: broker.pid,
    bootstrapServers: broker.bootstrapServers,
    reader: "Kafka's Java consumer, read committed",
    read: (topic, enough) => readUntil(broker.bootstrapServers, topic, enough),
    stop: () => broker.stop(),
  };
}

async function readUntil(
  bootstrapServers: string,
  topic: string,
  enough: (records: readonly OutputRecord[]) => boolean,
): Promise<OutputRecord[]> {
  const deadline = performance.now() + READ_TIMEOUT_MS;
  for (;;) {
    const judged = await readWithJava(bootstrapServers, [topic]);
    const records = judged.map(({ partition, key, value }) => ({
      partition,
      key: key?.toString() ?? null,
      value: value?.toString() ?? null,
    }));
    if (enough(records) || performance.now() > deadline) return records;
  }
}
