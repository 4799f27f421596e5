import { startDevBroker } from "@outrigger/dev-broker";
import { startKafka } from "./kafka-broker.ts";
import { whyNoKafka } from "./kafka-jars.ts";

/** A broker that a test may use up. */
export interface Broker {
  readonly bootstrapServers: string;
  stop(): Promise<void>;
}

export interface BrokerKind {
  readonly name: "embedded" | "kafka";
  start(config?: Readonly<Record<string, string>>): Promise<Broker>;
}

/**
 * What this machine can run: the embedded broker always, a real Kafka where Java is. Says plainly
 * what is not proved without it.
 */
export function availableBrokers(): BrokerKind[] {
  const embedded: BrokerKind = { name: "embedded", start: () => startDevBroker() };
  const missing = whyNoKafka();
  if (missing === null) {
    return [embedded, { name: "kafka", start: (config = {}) => startKafka({ config }) }];
  }
  process.stdout.write(
    `NOT PROVED: nothing here ran on a real Apache Kafka, because ${missing}. The embedded broker ` +
      "is for development; only a real one proves exactly-once\n",
  );
  return [embedded];
}
