import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const METADATA: Api = { key: 3, name: "Metadata", oldest: 12, newest: 12 };

export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionAnswer {
  readonly error: number;
  readonly partition: number;
  /** -1 while there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: number;
  /** Those of the replicas that are in sync. */
  readonly inSync: number;
}

export interface TopicAnswer {
  readonly error: number;
  readonly name: string;
  /** 32 hex digits (KIP-516). */
  readonly id: string;
  readonly partitions: readonly PartitionAnswer[];
  /** What this client may do with the topic, as bits, where that was asked for (KIP-430). */
  readonly operations: number;
}

export interface MetadataAnswer {
  readonly brokers: readonly BrokerNode[];
  readonly topics: readonly TopicAnswer[];
}

const NO_UUID = "0".repeat(32);

/**
 * Metadata of these topics; none asks for the brokers alone, null for every topic. Never creates a
 * topic.
 */
export function metadataRequest(
  version: number,
  topics: readonly string[] | null,
  withOperations = false,
): WireRequest<MetadataAnswer> {
  const writer = new WireWriter();
  writer.compactNullableArray(topics, (name) => {
    writer.uuid(NO_UUID).compactNullableString(name).emptyTags();
  });
  writer.bool(false).bool(withOperations).emptyTags();
  return {
    apiKey: METADATA.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeMetadata,
  };
}

function decodeMetadata(reader: WireReader): MetadataAnswer {
  reader.throttleTime();
  const brokers = reader.compactArray(() => {
    const node = { id: reader.int32(), host: reader.compactString(), port: reader.int32() };
    reader.compactNullableString(); // rack
    reader.tags();
    return node;
  });
  reader.compactNullableString(); // cluster id
  reader.int32(); // controller
  const topics = reader.compactArray(() => decodeTopic(reader));
  reader.tags();
  return { brokers, topics };
}

function decodeTopic(reader: WireReader): TopicAnswer {
  const error = reader.int16();
  const name = reader.compactNullableString() ?? "";
  const id = reader.uuid();
  reader.bool(); // internal
  const partitions = reader.compactArray(() => {
    const partition = {
      error: reader.int16(),
      partition: reader.int32(),
      leader: reader.int32(),
      leaderEpoch: reader.int32(),
      replicas: reader.compactArray(() => reader.int32()).length,
      inSync: reader.compactArray(() => reader.int32()).length,
    };
    reader.compactArray(() => reader.int32()); // replicas that are offline
    reader.tags();
    return partition;
  });
  const operations = reader.int32();
  reader.tags();
  return { error, name, id, partitions, operations };
}
