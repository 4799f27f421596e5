import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { Cluster } from "../network/cluster.ts";
import { ERROR } from "../protocol/error-codes.ts";

/** Where a partition is to be read, as far as cached metadata says. */
export type Location =
  | {
      readonly kind: "leader";
      readonly brokerId: number;
      readonly leaderEpoch: number;
      readonly topicId: string;
    }
  /** Metadata must be refreshed; `missing` when brokers last denied that the topic exists. */
  | { readonly kind: "unknown"; readonly missing: boolean }
  | { readonly kind: "failed"; readonly error: OutriggerError };

/**
 * Never waits. `pinnedId` is the topic id that reading began with: offsets of a topic that was
 * deleted and created anew mean other records, so reading must not go on (KIP-516).
 */
export function locate(cluster: Cluster, at: TopicPartition, pinnedId: string | null): Location {
  const topicId = cluster.knownTopicId(at.topic);
  if (topicId === null) {
    const code = cluster.topicError(at.topic);
    if (code === ERROR.TOPIC_AUTHORIZATION_FAILED) {
      const message = `topic ${at.topic} may not be described; grant READ on it`;
      return { kind: "failed", error: new OutriggerError("AUTHORIZATION_FAILED", message) };
    }
    return { kind: "unknown", missing: code === ERROR.UNKNOWN_TOPIC_OR_PARTITION };
  }
  if (pinnedId !== null && pinnedId !== topicId) {
    const message =
      `topic ${at.topic} was deleted and created anew while it was read ` +
      `(its id was ${pinnedId}, now ${topicId}); reset the application before it starts again`;
    return { kind: "failed", error: new OutriggerError("TOPIC_MISSING", message) };
  }
  const leader = cluster.knownLeader(at.topic, at.partition);
  if (leader === null) return { kind: "unknown", missing: false };
  return { kind: "leader", brokerId: leader.brokerId, leaderEpoch: leader.epoch, topicId };
}
