import { OutriggerError } from "../errors/outrigger-error.ts";
import { decodeMark, type ReplayMarks, replaysTopicOf } from "../letters/replay-mark.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Offsets } from "../ports/consumer.ts";
import { Patience } from "./patience.ts";
import { PATIENCE_MS } from "./read-letters.ts";

/** From this many replicas on, an acknowledgement must mean that two of them hold the record. */
const REPLICAS_FOR_MIN_INSYNC = 3;

/**
 * The marks of a dead-letter topic, as far as they are committed. Whoever replays has fenced every other
 * replay before: then nothing can be added to them. None where nothing was ever replayed.
 */
export async function readMarks(
  admin: Admin,
  offsets: Offsets,
  letters: TopicDescription,
): Promise<ReplayMarks> {
  const topic = replaysTopicOf(letters.name);
  const described = (await admin.describeTopics([topic])).get(topic);
  const marks: ReplayMarks = new Map();
  if (described === undefined) return marks;
  checkPolicy(described);
  const patience = new Patience(PATIENCE_MS, topic);
  const at = { topic, partition: 0 };
  try {
    const { start, end } = await offsets.range(at, patience.signal);
    for await (const { columns } of offsets.read(at, start, end, patience.signal)) {
      for (let row = 0; row < columns.count; row++) {
        const key = columns.key(row)?.toString("utf8") ?? "";
        const mark = decodeMark(columns.value(row));
        if (mark === null) marks.delete(key);
        else marks.set(key, mark);
      }
      patience.renew();
    }
  } finally {
    patience.end();
  }
  return marks;
}

/** Makes the topic of the marks where it is missing. */
export async function prepareMarks(
  admin: Admin,
  letters: TopicDescription,
  replicationFactor: number,
): Promise<void> {
  const name = replaysTopicOf(letters.name);
  const described = (await admin.describeTopics([name])).get(name);
  if (described !== undefined) return checkPolicy(described);
  const durable = replicationFactor < REPLICAS_FOR_MIN_INSYNC ? {} : { "min.insync.replicas": "2" };
  const configs = { "cleanup.policy": "compact", ...durable };
  await admin.createTopics([{ name, partitions: 1, replicationFactor, configs }]);
}

/** A policy that deletes would forget what was replayed, and the next replay would double it. */
function checkPolicy({ name, configs, partitions }: TopicDescription): void {
  const policy = configs.get("cleanup.policy") ?? "compact";
  if (policy === "compact" && partitions === 1) return;
  const text =
    `the topic ${name} has cleanup.policy=${policy} and ${partitions} partitions; it says which dead ` +
    "letters were replayed, and must be compact, with 1 partition";
  throw new OutriggerError("TOPIC_MISCONFIGURED", text);
}
