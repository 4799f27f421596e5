import { OutriggerError } from "../../errors/outrigger-error.ts";
import { type TopicPartition, topicPartitionName } from "../../model/topic-partition.ts";
import type { CommittedOffset, FetchedChunk, Membership, Offsets } from "../../ports/consumer.ts";
import type { Cluster } from "../network/cluster.ts";
import { isRetriable, retrying } from "../network/retry.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import { EARLIEST, LATEST, LIST_OFFSETS, listOffsetsRequest } from "../protocol/list-offsets.ts";
import {
  OFFSET_FETCH,
  type OffsetFetchAnswer,
  offsetFetchRequest,
} from "../protocol/offset-fetch.ts";
import { RangeReaders } from "./range-readers.ts";
import { groupError, groupVerdict, partitionError, partitionVerdict } from "./read-errors.ts";
import { readRange } from "./read-range.ts";

type Committed = Map<string, CommittedOffset>;

/** Offsets of one group, and of logs. */
export function createOffsets(cluster: Cluster, groupId: string): Offsets {
  return new GroupOffsets(cluster, groupId);
}

class GroupOffsets implements Offsets {
  readonly #cluster: Cluster;
  readonly #groupId: string;
  readonly #readers: RangeReaders;

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster;
    this.#readers = new RangeReaders(cluster.limits);
    this.#groupId = groupId;
  }

  async committed(
    membership: Membership,
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<Committed> {
    const { limits } = this.#cluster;
    const waits = { ...limits, retryBackoffMs: limits.unstableOffsetsBackoffMs };
    const outcome = await retrying(waits, signal, async () => {
      const answer = await this.#fetchOffsets(membership, partitions, signal);
      return this.#judge(answer, partitions.length);
    });
    // A stale epoch is retriable for the caller, who can heartbeat, not here with the same epoch.
    if (outcome instanceof OutriggerError) throw outcome;
    return outcome;
  }

  async range(at: TopicPartition, signal: AbortSignal): Promise<{ start: number; end: number }> {
    const [start, end] = await Promise.all([
      this.#listOffset(at, EARLIEST, signal),
      this.#listOffset(at, LATEST, signal),
    ]);
    return { start, end };
  }

  read(
    at: TopicPartition,
    from: number,
    target: number,
    signal: AbortSignal,
  ): AsyncIterable<FetchedChunk> {
    return readRange(this.#cluster, at, from, target, signal, this.#readers);
  }

  async #fetchOffsets(
    membership: Membership,
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<OffsetFetchAnswer> {
    const brokerId = await this.#cluster.coordinator("group", this.#groupId, signal);
    try {
      return await this.#cluster.send(brokerId, "group", OFFSET_FETCH, (version) =>
        offsetFetchRequest(version, this.#groupId, membership, partitions),
      );
    } catch (thrown) {
      if (isRetriable(thrown)) this.#cluster.invalidateCoordinator("group", this.#groupId);
      throw thrown;
    }
  }

  /** Throws what is to be retried; a fatal error is a result. */
  #judge(answer: OffsetFetchAnswer, asked: number): Committed | OutriggerError {
    // Kafka answers -1 for a group that has committed nothing, other brokers that it is unknown.
    if (answer.error === ERROR.GROUP_ID_NOT_FOUND) return new Map();
    const codes = [answer.error, ...answer.partitions.map((partition) => partition.error)];
    const committed: Committed = new Map();
    for (const code of codes) {
      if (code === ERROR.NONE) continue;
      const verdict = groupVerdict(code);
      if (verdict === "fatal") return groupError(this.#groupId, code);
      if (verdict === "refresh") this.#cluster.invalidateCoordinator("group", this.#groupId);
      throw new OutriggerError(
        "BROKER_UNAVAILABLE",
        `the offsets of group ${this.#groupId} are not available yet: ${errorName(code)}`,
      );
    }
    // A partition that is left out would pass for a new one, and be read from its start.
    if (answer.partitions.length < asked) {
      const text = `OffsetFetch answered ${answer.partitions.length} of ${asked} partitions`;
      return new OutriggerError("BROKER_ANSWER_MALFORMED", text);
    }
    for (const partition of answer.partitions) {
      const { offset, leaderEpoch, metadata } = partition;
      if (offset < 0) continue;
      committed.set(topicPartitionName(partition), { offset, leaderEpoch, metadata });
    }
    return committed;
  }

  #listOffset(
    at: TopicPartition,
    timestamp: typeof EARLIEST | typeof LATEST,
    signal: AbortSignal,
  ): Promise<number> {
    const cluster = this.#cluster;
    return retrying(cluster.limits, signal, async () => {
      const leader = await cluster.leader(at.topic, at.partition, signal);
      const answer = await cluster
        .send(leader.brokerId, "general", LIST_OFFSETS, (version) =>
          listOffsetsRequest(version, at, leader.epoch, timestamp),
        )
        .catch((thrown: unknown) => {
          if (isRetriable(thrown)) cluster.invalidateLeader(at.topic, at.partition);
          throw thrown;
        });
      const code = answer?.error ?? ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      if (answer !== null && code === ERROR.NONE) return answer.offset;
      const verdict = partitionVerdict(code);
      if (verdict === "fatal") throw partitionError(at, timestamp, code);
      if (verdict === "refresh") cluster.invalidateLeader(at.topic, at.partition);
      const message = `the offsets of ${topicPartitionName(at)}: ${errorName(code)}`;
      throw new OutriggerError("BROKER_UNAVAILABLE", message);
    });
  }
}
