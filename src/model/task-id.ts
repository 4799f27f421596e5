/** Kafka Streams' task id: `<sub-topology>_<partition>`. */
export interface TaskId {
  readonly subtopology: number;
  readonly partition: number;
}

/** `0_3`, as in logs, metrics, directories and frames. */
export function taskIdName(id: TaskId): string {
  return `${id.subtopology}_${id.partition}`;
}
