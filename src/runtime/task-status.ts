import { type TopicPartition, topicPartitionName } from "../model/topic-partition.ts";
import type { TaskStatus } from "../ports/status.ts";
import type { TaskRunner } from "./task-runner.ts";

/** A running task as it is at this moment. */
export function statusOf(runner: TaskRunner): TaskStatus {
  return {
    name: runner.name,
    partition: runner.id.partition,
    epoch: runner.epoch,
    phase: runner.phase,
    restoring: null,
    uncommittedBytes: runner.uncommitted.bytes,
    inputBytes: runner.input.bytes,
    batchesInFlight: runner.ledger.inFlight().length,
    parkedRecords: runner.parking?.keys.records ?? 0,
    heldBack: runner.heldBack.all(),
    lags: runner.partitions.map((at) => ({ ...at, ...lagOf(runner, at) })),
    error: runner.error?.message ?? null,
  };
}

/** Records between what is committed and the end, as of the last fetch. */
function lagOf(
  { positions, input: { facts } }: TaskRunner,
  at: TopicPartition,
): { readonly lag: number; readonly endLag: number } {
  const committed = positions.get(topicPartitionName(at))?.offset ?? 0;
  const { lastStableOffset = committed, highWatermark = committed } = facts.get(at.topic) ?? {};
  return {
    lag: Math.max(0, lastStableOffset - committed),
    endLag: Math.max(0, highWatermark - committed),
  };
}
