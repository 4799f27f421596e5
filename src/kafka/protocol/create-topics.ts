import type { TopicToCreate } from "../../ports/admin.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { flexible } from "./flexible.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const CREATE_TOPICS: Api = { key: 19, name: "CreateTopics", oldest: 5, newest: 7 };

/** From here on the answer has the topic's id (KIP-516). */
const WITH_ID = 7;

export interface Creation {
  readonly name: string;
  readonly error: number;
  /** The broker's own words. */
  readonly message: string | null;
}

/** Each topic is answered by itself. Brokers without a controller of their own pass it on (KIP-590). */
export function createTopicsRequest(
  version: number,
  topics: readonly TopicToCreate[],
  options: { readonly timeoutMs: number; readonly validateOnly: boolean },
): WireRequest<readonly Creation[]> {
  const writer = new WireWriter();
  writer.compactArray(topics, ({ name, partitions, replicationFactor, configs }) => {
    writer.compactString(name).int32(partitions).int16(replicationFactor);
    writer.compactArray([], () => {}); // assignments
    writer.compactArray(Object.entries(configs), ([key, value]) => {
      writer.compactString(key).compactNullableString(value).emptyTags();
    });
    writer.emptyTags();
  });
  writer.int32(options.timeoutMs).bool(options.validateOnly).emptyTags();
  return flexible(CREATE_TOPICS, version, writer, (reader) => decodeCreations(reader, version));
}

function decodeCreations(reader: WireReader, version: number): readonly Creation[] {
  reader.throttleTime();
  return reader.compactArray(() => {
    const name = reader.compactString();
    if (version >= WITH_ID) reader.uuid();
    const error = reader.int16();
    const message = reader.compactNullableString();
    reader.int32(); // partitions
    reader.int16(); // replication factor
    reader.compactNullableArray(() => {
      reader.compactString();
      reader.compactNullableString();
      reader.bool(); // read only
      reader.int8(); // source
      reader.bool(); // sensitive
      reader.tags();
    });
    reader.tags();
    return { name, error, message };
  });
}
