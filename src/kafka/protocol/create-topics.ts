import type { TopicToCreate } from "../../ports/admin.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** The newest that the embedded broker speaks too; later ones tell more of what was made. */
export const CREATE_TOPICS: Api = { key: 19, name: "CreateTopics", oldest: 4, newest: 4 };

export interface Creation {
  readonly name: string;
  readonly error: number;
  /** The broker's own words. */
  readonly message: string | null;
}

/** Each topic is answered by itself. Brokers that are no controller pass it on (KIP-590). */
export function createTopicsRequest(
  version: number,
  topics: readonly TopicToCreate[],
  options: { readonly timeoutMs: number; readonly validateOnly: boolean },
): WireRequest<readonly Creation[]> {
  const writer = new WireWriter().int32(topics.length);
  for (const { name, partitions, replicationFactor, configs } of topics) {
    writer.string(name).int32(partitions).int16(replicationFactor);
    writer.int32(0); // assignments
    const entries = Object.entries(configs);
    writer.int32(entries.length);
    for (const [key, value] of entries) writer.string(key).nullableString(value);
  }
  writer.int32(options.timeoutMs).bool(options.validateOnly);
  return {
    apiKey: CREATE_TOPICS.key,
    apiVersion: version,
    flexibleRequest: false,
    flexibleResponse: false,
    parts: [writer.finish()],
    decode: decodeCreations,
  };
}

function decodeCreations(reader: WireReader): readonly Creation[] {
  reader.throttleTime();
  const creations: Creation[] = [];
  for (let rest = reader.int32(); rest > 0; rest--) {
    creations.push({
      name: reader.string(),
      error: reader.int16(),
      message: reader.nullableString(),
    });
  }
  return creations;
}
