import { OutriggerError } from "../../errors/outrigger-error.ts";
import { topicPartitionName } from "../../model/topic-partition.ts";
import type { LogOffset } from "../../ports/admin.ts";
import { partitionVerdict } from "../fetch/read-errors.ts";
import type { Cluster } from "../network/cluster.ts";
import { isRetriable, retrying } from "../network/retry.ts";
import { DELETE_RECORDS, deleteRecordsRequest } from "../protocol/delete-records.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";

/** Deletes what a partition has before an offset; asks again until `signal` ends it. */
export async function deleteBefore(
  cluster: Cluster,
  at: LogOffset,
  signal: AbortSignal,
): Promise<void> {
  const { requestTimeoutMs } = cluster.limits;
  await retrying(cluster.limits, signal, async () => {
    const leader = await cluster.leader(at.topic, at.partition, signal);
    const answer = await cluster
      .send(leader.brokerId, "general", DELETE_RECORDS, (version) =>
        deleteRecordsRequest(version, at, at.offset, requestTimeoutMs),
      )
      .catch((thrown: unknown) => {
        if (isRetriable(thrown)) cluster.invalidateLeader(at.topic, at.partition);
        throw thrown;
      });
    const code = answer ?? ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    // It begins behind there already: somebody else has done it.
    if (code === ERROR.NONE || code === ERROR.OFFSET_OUT_OF_RANGE) return;
    const verdict = partitionVerdict(code);
    if (verdict === "fatal") throw refusal(at, code);
    if (verdict === "refresh") cluster.invalidateLeader(at.topic, at.partition);
    const text = `the records of ${topicPartitionName(at)} cannot be deleted yet: ${errorName(code)}`;
    throw new OutriggerError("BROKER_UNAVAILABLE", text);
  });
}

function refusal(at: LogOffset, code: number): OutriggerError {
  const text = `the records of ${topicPartitionName(at)} before ${at.offset} may not be deleted`;
  if (code === ERROR.TOPIC_AUTHORIZATION_FAILED) {
    const remedy = `${errorName(code)}: grant DELETE on topic ${at.topic}`;
    return new OutriggerError("AUTHORIZATION_FAILED", `${text} (${remedy})`);
  }
  return new OutriggerError("BROKER_REFUSED", `${text} (${errorName(code)})`);
}
