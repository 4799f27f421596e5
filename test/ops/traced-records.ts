import kafkajs from "kafkajs";
import type { Scene } from "../support/scene.ts";
import { eventually } from "../support/sidecar-process.ts";

export interface Sent {
  readonly key: string;
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends records with headers to the scene's input, by kafkajs. */
export async function send({ kafka, input }: Scene, ...records: readonly Sent[]): Promise<void> {
  const producer = kafka.producer({
    // Without it kafkajs sends a whole request again when one of its partitions was refused.
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const messages = records.map(({ key, value, headers }) => ({
    key,
    value,
    headers: { ...headers },
  }));
  await producer.send({ topic: input, acks: -1, messages });
  await producer.disconnect();
}

/** The first committed record of the scene's output with this value, and its headers as text. */
export async function consumeOne(
  scene: Scene,
  value: string,
): Promise<{ readonly headers: Record<string, string> }> {
  const groupId = `downstream-${scene.output}-${Math.random()}`;
  const consumer = scene.kafka.consumer({
    groupId,
    readUncommitted: false,
    maxWaitTimeInMs: 50,
  });
  let found: Record<string, string> | null = null;
  await consumer.connect();
  await consumer.subscribe({ topic: scene.output, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (String(message.value) !== value) return;
      const headers = Object.entries(message.headers ?? {});
      found = Object.fromEntries(headers.map(([name, each]) => [name, String(each)]));
    },
  });
  await eventually(`${value} in ${scene.output}`, () => found !== null, scene.children);
  await consumer.disconnect();
  return { headers: found ?? {} };
}
