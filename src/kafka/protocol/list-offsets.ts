import type { TopicPartition } from "../../model/topic-partition.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const LIST_OFFSETS: Api = { key: 2, name: "ListOffsets", oldest: 6, newest: 7 };

/** Special timestamps of the request. */
export const LATEST = -1;
export const EARLIEST = -2;

const CONSUMER_REPLICA = -1;
/** Isolation level: the end of the log, open transactions included, not the last stable offset. */
export const READ_UNCOMMITTED = 0;

export interface ListOffsetsAnswer {
  readonly error: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** The start or the end of one partition's log, read uncommitted. */
export function listOffsetsRequest(
  version: number,
  at: TopicPartition,
  leaderEpoch: number,
  timestamp: typeof LATEST | typeof EARLIEST,
): WireRequest<ListOffsetsAnswer | null> {
  const writer = new WireWriter().int32(CONSUMER_REPLICA).int8(READ_UNCOMMITTED);
  writer.compactArray([at.topic], (topic) => {
    writer.compactString(topic).compactArray([at.partition], (partition) => {
      writer.int32(partition).int32(leaderEpoch).int64(timestamp).emptyTags();
    });
    writer.emptyTags();
  });
  writer.emptyTags();
  return {
    apiKey: LIST_OFFSETS.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeListOffsets,
  };
}

function decodeListOffsets(reader: WireReader): ListOffsetsAnswer | null {
  reader.throttleTime();
  let answer: ListOffsetsAnswer | null = null;
  reader.compactArray(() => {
    reader.compactString();
    reader.compactArray(() => {
      reader.int32(); // partition
      const error = reader.int16();
      reader.int64(); // timestamp
      answer = { error, offset: reader.int64(), leaderEpoch: reader.int32() };
      reader.tags();
    });
    reader.tags();
  });
  reader.tags();
  return answer;
}
