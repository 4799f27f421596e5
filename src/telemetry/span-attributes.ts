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
  { topic, partition }: Destination,
): Attributes {
  return {
    "messaging.system": "kafka",
    "messaging.operation.name": operation,
    "messaging.operation.type": TYPES[operation],
    "messaging.client.id": process.clientId,
    ...(operation === "send" ? {} : { "messaging.consumer.group.name": process.group }),
    ...(topic === "" ? {} : { "messaging.destination.name": topic }),
    ...(partition === undefined ? {} : { "messaging.destination.partition.id": String(partition) }),
  };
}
