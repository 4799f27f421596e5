import type { ForeignWriter, LogFacts } from "../../model/cluster-facts.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { Cluster } from "../network/cluster.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import { FETCH, fetchRequest } from "../protocol/fetch.ts";
import {
  type ActiveProducer,
  DESCRIBE_PRODUCERS,
  describeProducersRequest,
  LIST_TRANSACTIONS,
  listTransactionsRequest,
} from "../protocol/producer-descriptions.ts";
import { readBatchHeader } from "../records/batch-header.ts";
import type { Notes } from "./notes.ts";

/** Transactional ids by producer id, of every broker that coordinates some. */
export async function transactionalIds(
  cluster: Cluster,
  notes: Notes,
): Promise<ReadonlyMap<bigint, string>> {
  const ids = new Map<bigint, string>();
  const asked = cluster.nodes().map((node) =>
    notes.attempt(`the transactions of broker ${node.id}`, async () => {
      const answer = await cluster.send(node.id, "general", LIST_TRANSACTIONS, (version) =>
        listTransactionsRequest(version),
      );
      for (const { id, producerId } of answer.transactions) ids.set(producerId, id);
    }),
  );
  await Promise.all(asked);
  return ids;
}

/**
 * Producers that a partition remembers and that are none of ours. One of a transactional id with
 * another prefix is certain. One that never ended a transaction is not: a replica that was rebuilt
 * from a compacted log has lost the ends of ours.
 */
export async function foreignProducers(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  ids: ReadonlyMap<bigint, string>,
  ownPrefix: string,
  notes: Notes,
): Promise<ForeignWriter[]> {
  const found: ForeignWriter[] = [];
  const byLeader = new Map<number, number[]>();
  for (const partition of partitions) {
    const leader = await cluster.leader(topic, partition);
    const led = byLeader.get(leader.brokerId) ?? [];
    byLeader.set(leader.brokerId, [...led, partition]);
  }
  for (const [brokerId, led] of byLeader) {
    const answers = await cluster.send(brokerId, "general", DESCRIBE_PRODUCERS, (version) =>
      describeProducersRequest(version, topic, led),
    );
    for (const { partition, error, producers } of answers) {
      if (error !== ERROR.NONE) {
        notes.unread.push(`the producers of ${topic}-${partition}: ${errorName(error)}`);
      }
      for (const producer of producers) {
        const who = foreignName(producer, ids, ownPrefix);
        if (who !== null) found.push({ topic, partition, offset: null, ...who });
      }
    }
  }
  return found;
}

function foreignName(
  { producerId, coordinatorEpoch, openSince }: ActiveProducer,
  ids: ReadonlyMap<bigint, string>,
  ownPrefix: string,
): Pick<ForeignWriter, "who" | "isCertain"> | null {
  const id = ids.get(producerId);
  if (id !== undefined) {
    if (id.startsWith(ownPrefix)) return null;
    return { who: `transactional id ${id} (producer id ${producerId})`, isCertain: true };
  }
  if (coordinatorEpoch >= 0 || openSince >= 0) return null;
  return { who: `producer id ${producerId}`, isCertain: false };
}

const TAIL_OFFSETS = 1_000;
const TAIL_BYTES = 1024 * 1024;

/** Looks at the headers of the newest batches: all that we write is part of a transaction. */
export async function foreignTail(
  cluster: Cluster,
  at: TopicPartition,
  { start, end }: LogFacts,
): Promise<ForeignWriter[]> {
  const from = Math.max(start, end - TAIL_OFFSETS);
  const leader = await cluster.leader(at.topic, at.partition);
  const topicId = cluster.knownTopicId(at.topic);
  if (from >= end || topicId === null) return [];
  const { partition } = at;
  const position = { topicId, partition, offset: from, leaderEpoch: leader.epoch, lastEpoch: -1 };
  const bounds = { waitMaxMs: 0, bytesMin: 1, bytesMax: TAIL_BYTES, partitionBytesMax: TAIL_BYTES };
  const answer = await cluster.send(leader.brokerId, "restore", FETCH, (version) =>
    fetchRequest(version, [position], bounds),
  );
  const fetched = answer.partitions[0];
  if (fetched === undefined) return [];
  const firsts = new Map<string, ForeignWriter>();
  for (let next = fetched.start; ; ) {
    const batch = readBatchHeader(fetched.bytes, next, fetched.end, at);
    if (batch === null) return [...firsts.values()];
    next = batch.end;
    if (batch.transactional) continue;
    const who =
      batch.producerId < 0n ? "a producer without an id" : `producer id ${batch.producerId}`;
    const offset = batch.baseOffset;
    if (!firsts.has(who)) firsts.set(who, { ...at, who, offset, isCertain: true });
  }
}

/** One entry for each writer of each partition, the certain one before the suspected. */
export function withoutDoubles(writers: readonly ForeignWriter[]): ForeignWriter[] {
  const found = new Map<string, ForeignWriter>();
  for (const writer of writers) {
    const name = `${topicPartitionName(writer)} ${writer.who}`;
    if (writer.isCertain || !found.has(name)) found.set(name, writer);
  }
  return [...found.values()];
}
