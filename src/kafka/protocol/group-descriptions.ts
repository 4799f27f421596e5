import { patternName } from "../../model/cluster-facts.ts";
import type { WireRequest } from "../network/connection.ts";
import { ANY_OPERATION_UNKNOWN } from "./acl-operations.ts";
import type { Api } from "./api-versions.ts";
import { type WireReader, WireWriter } from "./wire.ts";

/** Groups of the consumer protocol (KIP-848). */
export const CONSUMER_GROUP_DESCRIBE: Api = {
  key: 69,
  name: "ConsumerGroupDescribe",
  oldest: 0,
  newest: 1,
};

/** Groups of the classic protocol; v5, because later ones answer an unknown group with an error. */
export const DESCRIBE_GROUPS: Api = { key: 15, name: "DescribeGroups", oldest: 5, newest: 5 };

export interface DescribedMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  /** Empty where members do not tell it apart. */
  readonly topics: readonly string[];
}

export interface DescribedGroup {
  readonly error: number;
  /** `Empty`, `Stable`, `Dead` and more. */
  readonly state: string;
  /** `consumer`, `connect` and others; of classic groups only. */
  readonly protocolType: string;
  readonly members: readonly DescribedMember[];
  /** What this client may do with the group, as bits (KIP-430). */
  readonly operations: number;
}

export function consumerGroupDescribeRequest(
  version: number,
  groupId: string,
): WireRequest<DescribedGroup | null> {
  return describe(CONSUMER_GROUP_DESCRIBE, version, groupId, (reader) =>
    decodeConsumerGroup(reader, version),
  );
}

export function describeGroupsRequest(
  version: number,
  groupId: string,
): WireRequest<DescribedGroup | null> {
  return describe(DESCRIBE_GROUPS, version, groupId, decodeClassicGroup);
}

function describe(
  api: Api,
  version: number,
  groupId: string,
  decode: (reader: WireReader) => DescribedGroup,
): WireRequest<DescribedGroup | null> {
  const writer = new WireWriter();
  writer.compactArray([groupId], (id) => writer.compactString(id)).bool(true);
  return {
    apiKey: api.key,
    apiVersion: version,
    flexibleRequest: true,
    flexibleResponse: true,
    parts: [writer.emptyTags().finish()],
    decode: (reader) => {
      reader.throttleTime();
      const [group = null] = reader.compactArray(() => decode(reader));
      return group;
    },
  };
}

function decodeConsumerGroup(reader: WireReader, version: number): DescribedGroup {
  const error = reader.int16();
  reader.compactNullableString(); // message
  reader.compactString(); // group
  const state = reader.compactString();
  reader.int32(); // group epoch
  reader.int32(); // assignment epoch
  reader.compactString(); // assignor
  const members = reader.compactArray(() => decodeMember(reader, version));
  const operations = reader.int32();
  reader.tags();
  return { error, state, protocolType: "consumer", members, operations: known(error, operations) };
}

function decodeMember(reader: WireReader, version: number): DescribedMember {
  const memberId = reader.compactString();
  reader.compactNullableString(); // instance id
  reader.compactNullableString(); // rack
  reader.int32(); // member epoch
  const clientId = reader.compactString();
  const clientHost = reader.compactString();
  const topics = reader.compactArray(() => reader.compactString());
  const pattern = reader.compactNullableString() ?? "";
  skipAssignment(reader);
  skipAssignment(reader); // the target
  if (version >= 1) reader.int8(); // member type
  reader.tags();
  const subscribed = pattern === "" ? topics : [...topics, patternName(pattern)];
  return { memberId, clientId, clientHost, topics: subscribed };
}

function skipAssignment(reader: WireReader): void {
  reader.compactArray(() => {
    reader.uuid();
    reader.compactString();
    reader.compactArray(() => reader.int32());
    reader.tags();
  });
  reader.tags();
}

function decodeClassicGroup(reader: WireReader): DescribedGroup {
  const error = reader.int16();
  reader.compactString(); // group
  const state = reader.compactString();
  const protocolType = reader.compactString();
  reader.compactString(); // assignor
  const members = reader.compactArray(() => {
    const memberId = reader.compactString();
    reader.compactNullableString(); // instance id
    const clientId = reader.compactString();
    const clientHost = reader.compactString();
    reader.compactBytes(); // subscription, as the members agreed to write it
    reader.compactBytes(); // assignment
    reader.tags();
    return { memberId, clientId, clientHost, topics: [] };
  });
  const operations = reader.int32();
  reader.tags();
  return { error, state, protocolType, members, operations: known(error, operations) };
}

function known(error: number, operations: number): number {
  return error === 0 ? operations : ANY_OPERATION_UNKNOWN;
}
