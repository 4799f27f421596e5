import type { Admin, Kafka } from "kafkajs";
import { makeTopics, produce } from "../support/topics.ts";
import { OUTPUTS } from "./expected.ts";
import { inputs } from "./inputs.ts";

/** The compiled application, as `startApplication` takes it. */
export const APPLICATION = "test/checker/app.js";
export const PARTITIONS = 4;

/** The topics that the application reads and writes. */
export async function makeWorkload(kafka: Kafka, prefix: string): Promise<void> {
  const topics = ["in", ...OUTPUTS].map((name) => `${prefix}-${name}`);
  await makeTopics(kafka, topics, { "retention.ms": "-1" }, PARTITIONS);
}

export async function send(
  kafka: Kafka,
  prefix: string,
  seed: number,
  from: number,
  count: number,
): Promise<void> {
  await produce(kafka, `${prefix}-in`, inputs(seed, from, count));
}

/** Whether the group has committed to the end of the input. */
export async function isDrained(admin: Admin, prefix: string): Promise<boolean> {
  const topic = `${prefix}-in`;
  const ends = await admin.fetchTopicOffsets(topic);
  const [found] = await admin.fetchOffsets({ groupId: prefix, topics: [topic] });
  const committed = new Map(found?.partitions.map((at) => [at.partition, at.offset]));
  return ends.every(({ partition, offset }) => committed.get(partition) === offset);
}
