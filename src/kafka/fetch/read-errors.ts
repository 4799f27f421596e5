import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import { topicPartitionName } from "../../model/topic-partition.ts";
import { ERROR, errorName } from "../protocol/error-codes.ts";

/** What a reader does about a code; reading has no effect, so asking again is always safe. */
export type ReadVerdict =
  /** The leader moved, or the one asked does not know yet: refresh metadata, ask again. */
  | "refresh"
  /** Ask the same broker again. */
  | "wait"
  /** Never gets better by itself. */
  | "fatal";

/** Fetch and ListOffsets, code by code; a code that is not here is fatal. */
const PARTITION_VERDICTS: ReadonlyMap<number, ReadVerdict> = new Map([
  // Elections and reassignments.
  [ERROR.LEADER_NOT_AVAILABLE, "refresh"],
  [ERROR.NOT_LEADER_OR_FOLLOWER, "refresh"],
  [ERROR.REPLICA_NOT_AVAILABLE, "refresh"],
  [ERROR.BROKER_NOT_AVAILABLE, "refresh"],
  [ERROR.FENCED_LEADER_EPOCH, "refresh"],
  [ERROR.UNKNOWN_LEADER_EPOCH, "refresh"],
  // A disk of the leader failed: another replica takes over.
  [ERROR.KAFKA_STORAGE_ERROR, "refresh"],
  // Created a moment ago, or deleted: the metadata will tell which, and the reader looks there.
  [ERROR.UNKNOWN_TOPIC_OR_PARTITION, "refresh"],
  [ERROR.UNKNOWN_TOPIC_ID, "refresh"],
  [ERROR.INCONSISTENT_TOPIC_ID, "refresh"],
  // A new leader that has not learned its high watermark yet (KIP-207).
  [ERROR.OFFSET_NOT_AVAILABLE, "wait"],
  [ERROR.REQUEST_TIMED_OUT, "wait"],
  [ERROR.THROTTLING_QUOTA_EXCEEDED, "wait"],
  // Java's consumer asks again, too.
  [ERROR.UNKNOWN_SERVER_ERROR, "wait"],
]);

/** OffsetFetch, for the group or one partition of it. */
const GROUP_VERDICTS: ReadonlyMap<number, ReadVerdict> = new Map([
  [ERROR.COORDINATOR_NOT_AVAILABLE, "refresh"],
  [ERROR.NOT_COORDINATOR, "refresh"],
  [ERROR.COORDINATOR_LOAD_IN_PROGRESS, "wait"],
  [ERROR.UNSTABLE_OFFSET_COMMIT, "wait"],
  [ERROR.UNKNOWN_TOPIC_OR_PARTITION, "wait"],
  [ERROR.REQUEST_TIMED_OUT, "wait"],
]);

export function partitionVerdict(code: number): ReadVerdict {
  return PARTITION_VERDICTS.get(code) ?? "fatal";
}

export function groupVerdict(code: number): ReadVerdict {
  return GROUP_VERDICTS.get(code) ?? "fatal";
}

/** The error that a fatal code on a partition means. */
export function partitionError(at: TopicPartition, offset: number, code: number): OutriggerError {
  const where = `${topicPartitionName(at)}@${offset}`;
  const name = errorName(code);
  if (code === ERROR.OFFSET_OUT_OF_RANGE) {
    return new OutriggerError(
      "OFFSET_OUT_OF_RANGE",
      `${where} is no longer there: the log starts later or ends before (${name}). Records were ` +
        "deleted before they were read; raise the topic's retention, or reset the application",
    );
  }
  if (code === ERROR.TOPIC_AUTHORIZATION_FAILED) {
    const message = `${where} may not be read (${name}); grant READ on topic ${at.topic}`;
    return new OutriggerError("AUTHORIZATION_FAILED", message);
  }
  if (code === ERROR.CORRUPT_MESSAGE) {
    const message =
      `the broker itself finds the record batch at ${where} corrupt (${name}); restore the ` +
      "partition from a good replica";
    return new OutriggerError("RECORD_CORRUPT", message);
  }
  if (code === ERROR.UNSUPPORTED_COMPRESSION_TYPE) {
    const message =
      `${where} is compressed with a codec that this client cannot read (${name}); set ` +
      "compression.type of the topic or of its producers to none or gzip";
    return new OutriggerError("COMPRESSION_UNSUPPORTED", message);
  }
  return new OutriggerError(
    "BROKER_REFUSED",
    `${where} cannot be read: ${name}; see the broker's log`,
  );
}

/**
 * The leader's log ends, in the epoch that was read last, before what was read: another replica had
 * less, and was made leader all the same. To read on would be to skip what stands there now.
 */
export function truncated(at: TopicPartition, offset: number, endOffset: number): OutriggerError {
  return new OutriggerError(
    "OFFSET_OUT_OF_RANGE",
    `${topicPartitionName(at)} was read up to ${offset}, but its leader's log parted from that at ` +
      `${endOffset}: records were lost in an unclean election (unclean.leader.election.enable); ` +
      "reset the application once it is known what was lost",
  );
}

/** The error that a fatal code of OffsetFetch means. */
export function groupError(groupId: string, code: number): OutriggerError {
  const name = errorName(code);
  switch (code) {
    case ERROR.UNKNOWN_MEMBER_ID:
    case ERROR.FENCED_MEMBER_EPOCH:
      return new OutriggerError("MEMBERSHIP_LOST", `group ${groupId} does not know us: ${name}`);
    case ERROR.STALE_MEMBER_EPOCH:
    case ERROR.ILLEGAL_GENERATION:
      return new OutriggerError(
        "MEMBER_EPOCH_STALE",
        `group ${groupId} has moved on to another epoch: ${name}; heartbeat, then ask again`,
      );
    case ERROR.GROUP_AUTHORIZATION_FAILED:
    case ERROR.TOPIC_AUTHORIZATION_FAILED:
      return new OutriggerError(
        "AUTHORIZATION_FAILED",
        `the offsets of group ${groupId} may not be read: ${name}; grant READ on group and topics`,
      );
    default:
      return new OutriggerError(
        "BROKER_REFUSED",
        `the offsets of group ${groupId} cannot be read: ${name}; see the coordinator's log`,
      );
  }
}
