import { availableBrokers, type Broker, type BrokerKind } from "../support/brokers.ts";

/** The best broker of this machine: a real Kafka where Java is. */
export function bestBroker(): BrokerKind {
  const kind = availableBrokers().at(-1);
  if (kind === undefined) throw new Error("there is always the embedded broker");
  return kind;
}

export type { Broker };
