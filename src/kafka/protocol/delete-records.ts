import type { TopicPartition } from "../../model/topic-partition.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const DELETE_RECORDS: Api = { key: 21, name: "DeleteRecords", oldest: 2, newest: 2 };

/** Moves the start of one partition's log up to `offset`. The answer is the broker's code, null for none. */
export function deleteRecordsRequest(
  version: number,
  { topic, partition }: TopicPartition,
  offset: number,
  timeoutMs: number,
): WireRequest<number | null> {
  const writer = new WireWriter();
  writer.compactArray([topic], (name) => {
    writer.compactString(name).compactArray([partition], (index) => {
      writer.int32(index).int64(offset).emptyTags();
    });
    writer.emptyTags();
  });
  writer.int32(timeoutMs).emptyTags();
  return {
    apiKey: DELETE_RECORDS.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeDeleteRecords,
  };
}

function decodeDeleteRecords(reader: WireReader): number | null {
  reader.throttleTime();
  let error: number | null = null;
  reader.compactArray(() => {
    reader.compactString();
    reader.compactArray(() => {
      reader.int32(); // partition
      reader.int64(); // low watermark
      error = reader.int16();
      reader.tags();
    });
    reader.tags();
  });
  reader.tags();
  return error;
}
