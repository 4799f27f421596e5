import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { groupByTopic } from "./group-by-topic.ts";
import { type LeaderHint, readEndpoints, readLeaderHint } from "./leader-hints.ts";
import type { BrokerNode } from "./metadata.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** From v12 on the leader adds the partition to the transaction itself (KIP-890). */
export const PRODUCE: Api = { key: 0, name: "Produce", oldest: 12, newest: 12 };

export interface ProducedBatch {
  readonly topic: string;
  readonly partition: number;
  /** A sealed record batch. */
  readonly bytes: Buffer;
}

export interface PartitionProduced {
  readonly topic: string;
  readonly partition: number;
  readonly error: number;
  /** -1 when the broker gives none. */
  readonly baseOffset: number;
  readonly message: string | null;
  /** Set, perhaps, by a broker that does not lead the partition (KIP-951). */
  readonly leader: LeaderHint | null;
}

export interface ProduceAnswer {
  readonly partitions: readonly PartitionProduced[];
  /** The brokers that leaders are named by. */
  readonly endpoints: readonly BrokerNode[];
}

const ALL_REPLICAS = -1;

/** One batch per partition; the batches are written without a copy. */
export function produceRequest(
  version: number,
  transactionalId: string,
  timeoutMs: number,
  batches: readonly ProducedBatch[],
): WireRequest<ProduceAnswer> {
  const parts: Buffer[] = [];
  const topics = groupByTopic(batches);
  let writer = new WireWriter(128)
    .compactNullableString(transactionalId)
    .int16(ALL_REPLICAS)
    .int32(timeoutMs)
    .uvarint(topics.size + 1);
  for (const [topic, members] of topics) {
    writer.compactString(topic).uvarint(members.length + 1);
    for (const { partition, bytes } of members) {
      writer.int32(partition).uvarint(bytes.length + 1);
      parts.push(writer.finish(), bytes);
      writer = new WireWriter(64).emptyTags();
    }
    writer.emptyTags();
  }
  parts.push(writer.emptyTags().finish());
  return {
    apiKey: PRODUCE.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts,
    decode: decodeProduce,
  };
}

const CURRENT_LEADER_TAG = 0;
const NODE_ENDPOINTS_TAG = 0;

function decodeProduce(reader: WireReader): ProduceAnswer {
  const produced: PartitionProduced[] = [];
  reader.compactArray(() => {
    const topic = reader.compactString();
    reader.compactArray(() => {
      const partition = reader.int32();
      const error = reader.int16();
      const baseOffset = reader.int64();
      reader.int64(); // log append time
      reader.int64(); // log start offset
      reader.compactArray(() => {
        reader.int32();
        reader.compactNullableString();
        reader.tags();
      });
      const message = reader.compactNullableString();
      let leader: LeaderHint | null = null;
      reader.tags((tag) => {
        if (tag === CURRENT_LEADER_TAG) leader = readLeaderHint(reader);
      });
      produced.push({ topic, partition, error, baseOffset, message, leader });
    });
    reader.tags();
  });
  reader.throttleTime();
  let endpoints: readonly BrokerNode[] = [];
  reader.tags((tag) => {
    if (tag === NODE_ENDPOINTS_TAG) endpoints = readEndpoints(reader);
  });
  return { partitions: produced, endpoints };
}
