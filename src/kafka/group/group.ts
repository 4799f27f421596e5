import { asError, OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { Group, HeartbeatAnswer, HeartbeatRequest } from "../../ports/consumer.ts";
import { brokerError, classify } from "../errors.ts";
import type { Cluster } from "../network/cluster.ts";
import { firstSignal } from "../network/first-signal.ts";
import { isRetriable } from "../network/retry.ts";
import {
  CONSUMER_GROUP_HEARTBEAT,
  heartbeatRequest,
  type TopicIdPartitions,
  type WireHeartbeatAnswer,
} from "../protocol/consumer-group-heartbeat.ts";
import { ERROR } from "../protocol/error-codes.ts";
import { groupByTopic } from "../protocol/group-by-topic.ts";

/** Heartbeats of one group (KIP-848): one request, one verdict, no state but topic names. */
export function createGroup(cluster: Cluster, groupId: string): Group {
  return new ConsumerGroup(cluster, groupId);
}

/** A heartbeat that finds no coordinator for this long is retriable, not waited for. */
const COORDINATOR_WAIT_MAX_MS = 5_000;

class ConsumerGroup implements Group {
  readonly #cluster: Cluster;
  readonly #groupId: string;
  /** Names by topic id, learnt from the topics of the subscription. */
  readonly #names = new Map<string, string>();
  #topics: readonly string[] = [];
  /** Topics are assigned that nobody here may have heard of. */
  #hasPattern = false;

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster;
    this.#groupId = groupId;
  }

  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer> {
    try {
      if (request.topics !== null) this.#topics = request.topics;
      return await this.#judge(await this.#send(request));
    } catch (thrown: unknown) {
      const error =
        thrown instanceof OutriggerError
          ? thrown
          : new OutriggerError("BROKER_UNAVAILABLE", asError(thrown).message, { cause: thrown });
      this.#cluster.invalidateCoordinator("group", this.#groupId);
      return { kind: isRetriable(error) ? "retriable" : "fatal", error };
    }
  }

  async #send(request: HeartbeatRequest): Promise<WireHeartbeatAnswer> {
    const { owned, topics, pattern = null, ...rest } = request;
    if (pattern !== null) this.#hasPattern = true;
    const ids = owned === null ? null : await this.#withIds(owned);
    const brokerId = await this.#coordinator();
    return await this.#cluster.send(brokerId, "group", CONSUMER_GROUP_HEARTBEAT, (version) =>
      heartbeatRequest(version, { ...rest, groupId: this.#groupId, topics, pattern, owned: ids }),
    );
  }

  async #coordinator(): Promise<number> {
    const timeout = AbortSignal.timeout(COORDINATOR_WAIT_MAX_MS);
    const { signal, release } = firstSignal([this.#cluster.closing, timeout]);
    try {
      return await this.#cluster.coordinator("group", this.#groupId, signal);
    } finally {
      release();
    }
  }

  async #judge(answer: WireHeartbeatAnswer): Promise<HeartbeatAnswer> {
    if (answer.error !== ERROR.NONE) return this.#refused(answer);
    const { memberEpoch, heartbeatIntervalMs, assignment } = answer;
    return {
      kind: "member",
      memberEpoch,
      heartbeatIntervalMs,
      assignment: assignment === null ? null : await this.#withNames(assignment),
    };
  }

  #refused({ error: code, message }: WireHeartbeatAnswer): HeartbeatAnswer {
    const what = `group ${this.#groupId}${message === null ? "" : ` (${message})`}`;
    const error = brokerError("ConsumerGroupHeartbeat", code, what);
    switch (classify("ConsumerGroupHeartbeat", code)) {
      case "memberLost":
        return { kind: "lost", error };
      case "refind":
        this.#cluster.invalidateCoordinator("group", this.#groupId);
        return { kind: "retriable", error };
      case "retry":
        return { kind: "retriable", error };
      case "success":
      case "abortable":
      case "fenced":
      case "staleEpoch":
      case "unknown":
      case "fatal":
        return { kind: "fatal", error };
    }
  }

  async #withIds(owned: readonly TopicPartition[]): Promise<TopicIdPartitions[]> {
    const groups = groupByTopic(owned);
    await this.#learn([...groups.keys()]);
    return [...groups].map(([topic, members]) => ({
      topicId: this.#cluster.knownTopicId(topic) ?? "",
      partitions: members.map(({ partition }) => partition),
    }));
  }

  async #withNames(assigned: readonly TopicIdPartitions[]): Promise<TopicPartition[]> {
    const isUnknown = ({ topicId }: TopicIdPartitions) => !this.#names.has(topicId);
    if (assigned.some(isUnknown)) await this.#learn(this.#topics);
    if (this.#hasPattern && assigned.some(isUnknown)) {
      for (const { name, id } of (await this.#cluster.describe(null)).topics) {
        this.#names.set(id, name);
      }
    }
    return assigned.flatMap(({ topicId, partitions }) => {
      const topic = this.#names.get(topicId);
      if (topic === undefined) {
        const text = `group ${this.#groupId} assigned topic id ${topicId}, which has no name yet`;
        throw new OutriggerError("BROKER_UNAVAILABLE", text);
      }
      return partitions.map((partition) => ({ topic, partition }));
    });
  }

  async #learn(topics: readonly string[]): Promise<void> {
    for (const { name, id } of (await this.#cluster.topics(topics)).values()) {
      this.#names.set(id, name);
    }
  }
}
