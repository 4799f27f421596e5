import type { TopicPartition } from "../../model/topic-partition.ts";
import type { Membership } from "../../ports/consumer.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { groupByTopic } from "./group-by-topic.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** v9 carries the member (KIP-848), so that one who lost its place is not answered. */
export const OFFSET_FETCH: Api = { key: 9, name: "OffsetFetch", oldest: 9, newest: 9 };

export interface OffsetFetchPartition extends TopicPartition {
  readonly error: number;
  /** -1 for none. */
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetFetchAnswer {
  /** Of the group as a whole. */
  readonly error: number;
  readonly partitions: readonly OffsetFetchPartition[];
}

/**
 * Committed offsets with require_stable (KIP-447): a partition that an open transaction has offsets
 * for is answered with UNSTABLE_OFFSET_COMMIT. `whatever` is for those who only look: without it,
 * and null partitions are all that the group has committed.
 */
export function offsetFetchRequest(
  version: number,
  groupId: string,
  membership: Membership,
  partitions: readonly TopicPartition[] | null,
  stability: "stable" | "whatever" = "stable",
): WireRequest<OffsetFetchAnswer> {
  const isMember = membership.memberId !== "";
  const writer = new WireWriter();
  writer.compactArray([groupId], (group) => {
    writer
      .compactString(group)
      .compactNullableString(isMember ? membership.memberId : null)
      .int32(isMember ? membership.memberEpoch : -1)
      .compactNullableArray(
        partitions === null ? null : [...groupByTopic(partitions)],
        ([topic, members]) => {
          writer.compactString(topic);
          writer.compactArray(members, (each) => writer.int32(each.partition)).emptyTags();
        },
      )
      .emptyTags();
  });
  writer.bool(stability === "stable").emptyTags();
  return {
    apiKey: OFFSET_FETCH.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeOffsetFetch,
  };
}

function decodeOffsetFetch(reader: WireReader): OffsetFetchAnswer {
  reader.throttleTime();
  const groups = reader.compactArray(() => decodeGroup(reader));
  reader.tags();
  return groups[0] ?? { error: 0, partitions: [] };
}

function decodeGroup(reader: WireReader): OffsetFetchAnswer {
  reader.compactString(); // group
  const partitions: OffsetFetchPartition[] = [];
  reader.compactArray(() => {
    const topic = reader.compactString();
    reader.compactArray(() => {
      partitions.push({
        topic,
        partition: reader.int32(),
        offset: reader.int64(),
        leaderEpoch: reader.int32(),
        metadata: reader.compactNullableString() ?? "",
        error: reader.int16(),
      });
      reader.tags();
    });
    reader.tags();
  });
  const error = reader.int16();
  reader.tags();
  return { error, partitions };
}
