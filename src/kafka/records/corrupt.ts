import { OutriggerError } from "../../errors/outrigger-error.ts";
import type { TopicPartition } from "../../model/topic-partition.ts";
import { topicPartitionName } from "../../model/topic-partition.ts";

/** Names the batch whose bytes are wrong; reading past it would lose records. */
export function corruptBatch(
  at: TopicPartition,
  offset: number,
  what: string,
  cause?: unknown,
): OutriggerError {
  return new OutriggerError(
    "RECORD_CORRUPT",
    `the record batch at ${topicPartitionName(at)}@${offset} is corrupt: ${what}; restore the partition ` +
      "from a good replica or a backup, then start again",
    cause === undefined ? {} : { cause },
  );
}
