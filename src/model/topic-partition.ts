/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The usual spelling, `topic-3`; unique, because a partition is a number without a dash. */
export function topicPartitionName(at: TopicPartition): string {
  return `${at.topic}-${at.partition}`;
}
