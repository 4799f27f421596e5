import type { Attributes } from "@opentelemetry/api";

/**
 * Attribute names of OpenTelemetry's messaging conventions (Kafka's page has status Development, so
 * the names are ours to keep up), and our own under `outrigger.`.
 */
export const SCHEMA_URL = "https://opentelemetry.io/schemas/1.43.0";

export type Operation = "poll" | "process" | "send" | "commit";

const TYPES: Readonly<Record<Operation, string>> = {
  poll: "receive",
  process: "process",
  send: "send",
  commit: "settle",
};

export interface Destination {
  readonly topic: string;
  readonly partition?: number;
}

/** What every span of an operation has. */
export function operationAttributes(
  operation: Operation,
  process: { readonly group: string; readonly clientId: string },
  destination: Destination,
): Attributes {
  return {
    ...recordAttributes(operation, destination),
    "messaging.operation.type": TYPES[operation],
    "messaging.client.id": process.clientId,
    ...(operation === "send" ? {} : { "messaging.consumer.group.name": process.group }),
  };
}

/** What a record's own span has: of the rest its batch's span tells, which it is linked to. */
export function recordAttributes(
  operation: Operation,
  { topic, partition }: Destination,
): Attributes {
  const attributes: Attributes = {
    "messaging.system": "kafka",
    "messaging.operation.name": operation,
  };
  if (topic !== "") attributes["messaging.destination.name"] = topic;
  if (partition !== undefined) {
    attributes["messaging.destination.partition.id"] = String(partition);
  }
  return attributes;
}
