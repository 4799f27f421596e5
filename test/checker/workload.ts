import kafkajs, { type Admin, type Kafka } from "kafkajs";
import { makeTopics, produce } from "../support/topics.ts";
import { type Conditions, USUAL } from "./conditions.ts";
import { OUTPUTS } from "./expected.ts";
import { inputs } from "./inputs.ts";
import { BETWEEN, GROUPS } from "./regrouped.ts";

/** The compiled application, as `startApplication` takes it. */
export const APPLICATION = "test/checker/app.js";
export const PARTITIONS = 4;

/** The topics that the application reads and writes. */
export async function makeWorkload(
  kafka: Kafka,
  prefix: string,
  replicas = 1,
  { hasLetters, regroups = false }: Conditions = USUAL,
): Promise<void> {
  const letters = hasLetters ? ["letters"] : [];
  const groups = regroups ? [GROUPS] : [];
  const topics = ["in", ...OUTPUTS, ...letters, ...groups].map((name) => `${prefix}-${name}`);
  await makeTopics(kafka, topics, { "retention.ms": "-1" }, PARTITIONS, replicas);
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

/**
 * Whether the group has committed to the end of the input, and then of what is between; a broker that is not
 * ready says no.
 */
export async function isDrained(admin: Admin, prefix: string, regroups = false): Promise<boolean> {
  if (!(await isRead(admin, prefix, "in"))) return false;
  return !regroups || (await isRead(admin, prefix, BETWEEN));
}

async function isRead(admin: Admin, prefix: string, name: string): Promise<boolean> {
  const committed = await committedOffsets(admin, prefix, name);
  const ends = await unlessNotReady(() => admin.fetchTopicOffsets(`${prefix}-${name}`));
  if (committed === null || ends === null) return false;
  return ends.every(({ partition, offset }) => (committed.get(partition) ?? 0) === Number(offset));
}

/** By partition of the input, or of another topic of the run; null where the broker is not ready to say. */
export async function committedOffsets(
  admin: Admin,
  prefix: string,
  name = "in",
): Promise<Map<number, number> | null> {
  const topics = [`${prefix}-${name}`];
  const found = await unlessNotReady(() => admin.fetchOffsets({ groupId: prefix, topics }));
  const partitions = found?.[0]?.partitions ?? [];
  return found && new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** null where the broker is not ready to say. */
export async function unlessNotReady<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error: unknown) {
    if (error instanceof kafkajs.KafkaJSError && error.retriable) return null;
    if (error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded) return null;
    throw error;
  }
}
