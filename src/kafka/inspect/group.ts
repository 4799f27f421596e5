import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { CommittedFact, GroupFacts, Operation } from "../../model/cluster-facts.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import type { Cluster } from "../network/cluster.ts";
import { retrying } from "../network/retry.ts";
import { operationsOf } from "../protocol/acl-operations.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";
import {
  CONSUMER_GROUP_DESCRIBE,
  consumerGroupDescribeRequest,
  DESCRIBE_GROUPS,
  type DescribedGroup,
  describeGroupsRequest,
} from "../protocol/group-descriptions.ts";
import { OFFSET_FETCH, offsetFetchRequest } from "../protocol/offset-fetch.ts";
import type { Notes } from "./notes.ts";

export interface GroupLook {
  readonly group: GroupFacts;
  readonly committed: readonly CommittedFact[];
}

const NOBODY = { memberId: "", memberEpoch: -1 };
const NO_GROUP: GroupFacts = { protocol: null, members: [], operations: null };

/** `partitions` null: all that the group has committed. */
export async function lookAtGroup(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null,
  notes: Notes,
  signal: AbortSignal,
): Promise<GroupLook> {
  const look = { cluster, groupId, notes, signal };
  const [group, committed] = await Promise.all([
    notes.attempt(`the group ${groupId}`, () => describeGroup(look)),
    notes.attempt(`the offsets of group ${groupId}`, () => committedOffsets(look, partitions)),
  ]);
  return { group: group ?? NO_GROUP, committed: committed ?? [] };
}

interface Look {
  readonly cluster: Cluster;
  readonly groupId: string;
  readonly notes: Notes;
  readonly signal: AbortSignal;
}

/**
 * A group is of one protocol, and only the request of that protocol describes its members. The older
 * request tells our rights even where there is no group yet.
 */
async function describeGroup(look: Look): Promise<GroupFacts> {
  const ask = (api: typeof DESCRIBE_GROUPS, request: typeof describeGroupsRequest) =>
    atCoordinator(look, (brokerId) =>
      look.cluster.send(brokerId, "group", api, (version) => request(version, look.groupId)),
    );
  const [consumer, classic] = await Promise.all([
    ask(CONSUMER_GROUP_DESCRIBE, consumerGroupDescribeRequest),
    ask(DESCRIBE_GROUPS, describeGroupsRequest),
  ]);
  const operations = operationsIn(consumer) ?? operationsIn(classic);
  if (consumer?.error === ERROR.NONE) {
    return { protocol: "consumer", members: consumer.members, operations };
  }
  const isThere = classic?.error === ERROR.NONE && classic.state !== "Dead";
  if (!isThere) return { ...NO_GROUP, operations };
  return { protocol: "classic", members: classic.members, operations };
}

function operationsIn(group: DescribedGroup | null): ReadonlySet<Operation> | null {
  return group === null ? null : operationsOf(group.operations);
}

async function committedOffsets(
  look: Look,
  partitions: readonly TopicPartition[] | null,
): Promise<CommittedFact[]> {
  const answer = await atCoordinator(look, (brokerId) =>
    look.cluster.send(brokerId, "group", OFFSET_FETCH, (version) =>
      offsetFetchRequest(version, look.groupId, NOBODY, partitions, "whatever"),
    ),
  );
  return (answer?.partitions ?? [])
    .filter(({ offset, error }) => offset >= 0 && error === ERROR.NONE)
    .map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset, metadata }));
}

/** Asks again while the coordinator moves; null where we may not describe the group. */
async function atCoordinator<T extends { readonly error: number } | null>(
  { cluster, groupId, notes, signal }: Look,
  ask: (brokerId: number) => Promise<T>,
): Promise<T | null> {
  return await retrying(cluster.limits, signal, async () => {
    try {
      const answer = await ask(await cluster.coordinator("group", groupId, signal));
      switch (answer?.error) {
        case ERROR.NOT_COORDINATOR:
        case ERROR.COORDINATOR_NOT_AVAILABLE:
        case ERROR.COORDINATOR_LOAD_IN_PROGRESS: {
          cluster.invalidateCoordinator("group", groupId);
          const text = `group ${groupId}: ${errorName(answer.error)}`;
          throw new OutriggerError("BROKER_UNAVAILABLE", text);
        }
        case ERROR.GROUP_AUTHORIZATION_FAILED:
          notes.deny("group", groupId, "Describe");
          return null;
      }
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof OutriggerError) || thrown.code !== "AUTHORIZATION_FAILED")
        throw thrown;
      notes.deny("group", groupId, "Describe");
      return null;
    }
  });
}
