import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** KIP-848. v1 adds a subscription by pattern. */
export const CONSUMER_GROUP_HEARTBEAT: Api = {
  key: 68,
  name: "ConsumerGroupHeartbeat",
  oldest: 0,
  newest: 1,
};

/** Partitions of a topic by its id. */
export interface TopicIdPartitions {
  readonly topicId: string;
  readonly partitions: readonly number[];
}

export interface WireHeartbeat {
  readonly groupId: string;
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly rebalanceTimeoutMs: number;
  /** null: unchanged. */
  readonly topics: readonly string[] | null;
  /** RE2, of whole names; null: unchanged. */
  readonly pattern: string | null;
  readonly assignor: string | null;
  /** null: unchanged. */
  readonly owned: readonly TopicIdPartitions[] | null;
}

export interface WireHeartbeatAnswer {
  readonly error: number;
  readonly message: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** null: unchanged. */
  readonly assignment: readonly TopicIdPartitions[] | null;
}

export function heartbeatRequest(
  version: number,
  heartbeat: WireHeartbeat,
): WireRequest<WireHeartbeatAnswer> {
  const writer = new WireWriter(512)
    .compactString(heartbeat.groupId)
    .compactString(heartbeat.memberId)
    .int32(heartbeat.memberEpoch)
    .compactNullableString(null) // instance id
    .compactNullableString(null) // rack id
    .int32(heartbeat.rebalanceTimeoutMs);
  if (heartbeat.topics === null) writer.uvarint(0);
  else writer.compactArray(heartbeat.topics, (topic) => writer.compactString(topic));
  if (version >= 1) writer.compactNullableString(heartbeat.pattern);
  writer.compactNullableString(heartbeat.assignor);
  if (heartbeat.owned === null) writer.uvarint(0);
  else {
    writer.compactArray(heartbeat.owned, ({ topicId, partitions }) => {
      writer.uuid(topicId);
      writer.compactArray(partitions, (partition) => writer.int32(partition));
      writer.emptyTags();
    });
  }
  return {
    apiKey: CONSUMER_GROUP_HEARTBEAT.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.emptyTags().finish()],
    decode: decodeHeartbeat,
  };
}

function decodeHeartbeat(reader: WireReader): WireHeartbeatAnswer {
  reader.throttleTime();
  const error = reader.int16();
  const message = reader.compactNullableString();
  reader.compactNullableString(); // member id
  const memberEpoch = reader.int32();
  const heartbeatIntervalMs = reader.int32();
  // A nullable structure starts with a byte: -1 for null, 1 for present.
  const assignment = reader.int8() < 0 ? null : decodeAssignment(reader);
  return { error, message, memberEpoch, heartbeatIntervalMs, assignment };
}

function decodeAssignment(reader: WireReader): TopicIdPartitions[] {
  const assigned = reader.compactArray(() => {
    const topicId = reader.uuid();
    const partitions = reader.compactArray(() => reader.int32());
    reader.tags();
    return { topicId, partitions };
  });
  reader.tags();
  return assigned;
}
