import { OutriggerError } from "../../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { Cluster } from "../network/cluster.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import { groupByTopic } from "../protocol/group-by-topic.ts";
import {
  type ActiveProducer,
  DESCRIBE_PRODUCERS,
  describeProducersRequest,
} from "../protocol/producer-descriptions.ts";
import { WRITE_TXN_MARKERS, writeTxnMarkersRequest } from "../protocol/transaction-markers.ts";
import type { ProducerIdentity } from "../protocol/transactions.ts";

/** A partition in which a producer's ended transaction still stands open. */
export interface LostMarker extends TopicPartition {
  readonly leader: number;
  readonly open: ActiveProducer;
}

interface Led extends TopicPartition {
  readonly leader: number;
}

export interface Found {
  readonly lost: readonly LostMarker[];
  /** What may not be looked at. */
  readonly unseen: readonly string[];
}

/** Answers that say nothing yet: the leader moves, or starts. */
const PASSING: readonly number[] = [
  ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ERROR.LEADER_NOT_AVAILABLE,
  ERROR.NOT_LEADER_OR_FOLLOWER,
  ERROR.REQUEST_TIMED_OUT,
  ERROR.NOT_ENOUGH_REPLICAS,
  ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ERROR.COORDINATOR_LOAD_IN_PROGRESS,
  ERROR.COORDINATOR_NOT_AVAILABLE,
  ERROR.NOT_COORDINATOR,
  ERROR.KAFKA_STORAGE_ERROR,
];

export function isPassing(code: number): boolean {
  return PASSING.includes(code);
}

/** For `retrying`: what is to be asked again. */
export function notYet(what: string): OutriggerError {
  return new OutriggerError("BROKER_UNAVAILABLE", what);
}

/**
 * Asks the leaders of these partitions where the producer's transaction, of this epoch or an older
 * one, stands open. The coordinator has ended it, or nothing follows from that. Throws what may be
 * asked again when one of the partitions has no leader now; a topic that is gone is left out.
 */
export async function lostMarkers(
  cluster: Cluster,
  producer: ProducerIdentity,
  partitions: readonly TopicPartition[],
): Promise<Found> {
  const { led, unseen } = await leadersNow(cluster, partitions);
  const lost: LostMarker[] = [];
  const asked = [...groupByTopic(led)].flatMap(([topic, group]) => {
    const leaders = new Set(group.map(({ leader }) => leader));
    return [...leaders].map(async (leader) => {
      const numbers = group.filter((at) => at.leader === leader).map((at) => at.partition);
      const answers = await cluster.send(leader, "general", DESCRIBE_PRODUCERS, (version) =>
        describeProducersRequest(version, topic, numbers),
      );
      for (const { partition, error, producers } of answers) {
        const name = `${topicPartitionName({ topic, partition })}: ${errorName(error)}`;
        if (isPassing(error)) throw notYet(`the producers of ${name}`);
        if (error !== ERROR.NONE) unseen.push(name);
        const open = producers.find(
          ({ producerId, epoch, openSince }) =>
            producerId === producer.id && epoch <= producer.epoch && openSince >= 0,
        );
        if (open !== undefined) lost.push({ topic, partition, leader, open });
      }
    });
  });
  await Promise.all(asked);
  return { lost, unseen };
}

/** Leaders as a broker knows them now: what is cached may be of the time before. */
async function leadersNow(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
): Promise<{ readonly led: Led[]; readonly unseen: string[] }> {
  const wanted = groupByTopic(partitions);
  const { topics } = await cluster.describe([...wanted.keys()]);
  const led: Led[] = [];
  const unseen: string[] = [];
  for (const { name, error, partitions: known } of topics) {
    if (error === ERROR.UNKNOWN_TOPIC_OR_PARTITION) continue;
    if (isPassing(error)) throw notYet(`the leaders of ${name}: ${errorName(error)}`);
    if (error !== ERROR.NONE) unseen.push(`${name}: ${errorName(error)}`);
    const leaders = new Map(known.map(({ partition, leader }) => [partition, leader]));
    for (const at of wanted.get(name) ?? []) {
      const leader = leaders.get(at.partition) ?? -1;
      if (error === ERROR.NONE && leader < 0) {
        throw notYet(`${topicPartitionName(at)} has no leader yet`);
      }
      if (leader >= 0) led.push({ ...at, leader });
    }
  }
  return { led, unseen };
}

/** Writes what the coordinator left out. Throws TRANSACTION_MARKERS_LOST where it may not be written. */
export async function writeMarkers(
  cluster: Cluster,
  lost: readonly LostMarker[],
  outcome: "commit" | "abort",
): Promise<void> {
  const leaders = new Set(lost.map(({ leader }) => leader));
  const asked = [...leaders].map(async (leader) => {
    const markers = lost
      .filter((each) => each.leader === leader)
      .map(({ topic, partition, open }) => ({
        producer: { id: open.producerId, epoch: open.epoch },
        outcome,
        coordinatorEpoch: Math.max(0, open.coordinatorEpoch),
        partitions: [{ topic, partition }],
      }));
    const answers = await cluster.send(leader, "general", WRITE_TXN_MARKERS, (version) =>
      writeTxnMarkersRequest(version, markers),
    );
    for (const { error, ...at } of answers) {
      if (error === ERROR.NONE) continue;
      const what = `the ${outcome} marker of ${topicPartitionName(at)}: ${errorName(error)}`;
      if (isPassing(error)) throw notYet(what);
      throw new OutriggerError("TRANSACTION_MARKERS_LOST", refusal(lost, outcome, what));
    }
  });
  await Promise.all(asked);
}

const NAMED_MAX = 5;

/** At most a few partitions by name. */
export function named(partitions: readonly TopicPartition[]): string {
  const names = partitions.slice(0, NAMED_MAX).map(topicPartitionName).join(", ");
  const more = partitions.length - NAMED_MAX;
  return more > 0 ? `${names} and ${more} more` : names;
}

function refusal(lost: readonly LostMarker[], outcome: string, what: string): string {
  return (
    `our transaction has ended with ${outcome}, and the broker has lost its marker in ${named(lost)}; ` +
    `we may not write it (${what}): grant ALTER on the cluster, and start again`
  );
}
