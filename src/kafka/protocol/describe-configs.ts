import { BROKER_CONFIGS, TOPIC_CONFIGS } from "../../model/cluster-facts.ts";
import type { WireRequest } from "../network/connection.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

export const DESCRIBE_CONFIGS: Api = { key: 32, name: "DescribeConfigs", oldest: 4, newest: 4 };

const RESOURCE_TYPES = { topic: 2, broker: 4 } as const;
const ASKED = { topic: TOPIC_CONFIGS, broker: BROKER_CONFIGS } as const;

export interface ConfigResource {
  readonly type: keyof typeof RESOURCE_TYPES;
  /** A topic's name, or a broker's id. */
  readonly name: string;
}

export interface ConfigsAnswer {
  readonly name: string;
  readonly error: number;
  /** Values in effect, of those that are asked for; one that is null or unknown to the broker is left out. */
  readonly configs: ReadonlyMap<string, string>;
}

/** Each resource is answered by itself. A broker's are known to that broker alone. */
export function describeConfigsRequest(
  version: number,
  resources: readonly ConfigResource[],
): WireRequest<readonly ConfigsAnswer[]> {
  const writer = new WireWriter();
  writer.compactArray(resources, ({ type, name }) => {
    writer.int8(RESOURCE_TYPES[type]).compactString(name);
    writer.compactNullableArray(ASKED[type], (key) => writer.compactString(key)).emptyTags();
  });
  writer.bool(false).bool(false).emptyTags(); // synonyms, documentation
  return {
    apiKey: DESCRIBE_CONFIGS.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.finish()],
    decode: decodeConfigs,
  };
}

function decodeConfigs(reader: WireReader): readonly ConfigsAnswer[] {
  reader.throttleTime();
  return reader.compactArray(() => {
    const error = reader.int16();
    reader.compactNullableString(); // message
    reader.int8(); // type
    const name = reader.compactString();
    const configs = new Map<string, string>();
    reader.compactArray(() => decodeConfig(reader, configs));
    reader.tags();
    return { name, error, configs };
  });
}

function decodeConfig(reader: WireReader, into: Map<string, string>): void {
  const name = reader.compactString();
  const value = reader.compactNullableString();
  reader.bool(); // read only
  reader.int8(); // source
  reader.bool(); // sensitive
  reader.compactArray(() => {
    reader.compactString();
    reader.compactNullableString();
    reader.int8();
    reader.tags();
  });
  reader.int8(); // type
  reader.compactNullableString(); // documentation
  reader.tags();
  if (value !== null) into.set(name, value);
}
