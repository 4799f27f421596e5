import { OutriggerError } from "../errors/outrigger-error.ts";
import { type Letter, ownHeaders } from "../letters/letter.ts";
import type { Admin, TopicDescription } from "../ports/admin.ts";
import type { Offsets } from "../ports/consumer.ts";
import { Patience } from "../replay/patience.ts";
import { PATIENCE_MS } from "../replay/read-letters.ts";
import { decodeParked, decodeParkedKey } from "../tasks/parked-record.ts";

/** Rejects with TOPIC_MISSING. */
export async function describeParked(admin: Admin, topic: string): Promise<TopicDescription> {
  const described = (await admin.describeTopics([topic])).get(topic);
  if (described !== undefined) return described;
  const text = `the topic ${topic} does not exist: no sidecar has run with parked.enable: true`;
  throw new OutriggerError("TOPIC_MISSING", text);
}

/**
 * What is parked as of now, by task and in the order that it waits, seen as letters: the place of one is its
 * task's partition and its place in the line. `keepsValue` says of which the value is wanted: others
 * are told without, for all may be much.
 */
export async function readParkedLetters(
  offsets: Offsets,
  { name: topic, partitions }: TopicDescription,
  keepsValue: (partition: number, sequence: number) => boolean,
): Promise<Letter[]> {
  const patience = new Patience(PATIENCE_MS, topic);
  const { signal } = patience;
  const letters: Letter[] = [];
  try {
    for (let partition = 0; partition < partitions; partition++) {
      const waiting = new Map<number, Letter>();
      const at = { topic, partition };
      const { start, end } = await offsets.range(at, signal);
      patience.renew();
      for await (const { columns } of offsets.read(at, start, end, signal)) {
        for (let row = 0; row < columns.count; row++) {
          const known = decodeParkedKey(columns.key(row) ?? Buffer.alloc(0));
          if (known === null) continue;
          const { key, sequence } = known;
          const keeps = keepsValue(partition, sequence);
          const letter = letterOf(partition, sequence, key, columns.value(row), keeps);
          if (letter === null) waiting.delete(sequence);
          else waiting.set(sequence, letter);
        }
        patience.renew();
      }
      letters.push(...[...waiting.values()].sort((a, b) => a.offset - b.offset));
    }
  } finally {
    patience.end();
  }
  return letters;
}

/** Null for a deletion, and for what this version cannot read. */
function letterOf(
  partition: number,
  sequence: number,
  key: Buffer,
  bytes: Buffer | null,
  keepsValue: boolean,
): Letter | null {
  const parked = bytes === null ? null : decodeParked(bytes);
  if (bytes === null || parked === null) return null;
  const { topic, offset, timestamp, cause, valuePosition, valueLength, headersPosition } = parked;
  const value = bytes.subarray(valuePosition, valuePosition + Math.max(0, valueLength));
  return {
    partition,
    offset: sequence,
    timestamp,
    key: Buffer.from(key),
    value: keepsValue && valueLength >= 0 ? Buffer.from(value) : null,
    headers: keepsValue ? ownHeaders(Buffer.from(bytes), headersPosition, bytes.length) : [],
    headersBytes: null,
    cause: {
      source: { topic, partition: parked.partition, offset },
      reason: cause?.reason ?? "parked_behind",
      attempts: cause?.attempts ?? 0,
      applicationId: null,
      task: null,
      node: cause?.node || null,
      type: cause?.type || null,
      message: cause?.message || null,
      stack: cause?.stack || null,
    },
  };
}
