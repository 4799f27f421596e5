import type { Exit, Program } from "../model/topology.ts";
import type { RunnerLimits } from "./task-host.ts";
import type { TaskRunner } from "./task-runner.ts";

/**
 * A hook calls the world, and takes its time: what a batch of requests takes must stay well within
 * processing.timeout.ms, and what one failure or death repeats must be little.
 */
export const HOOK_BATCH_RECORDS_MAX = 16;

/**
 * What holds for the tasks of a program: a hook's have one small batch with the application at a time, and
 * where a record must see what the one before it changed, batches are of one.
 */
export function limitsOf(program: Program, limits: RunnerLimits): RunnerLimits {
  if (program.oneByOne) return { ...limits, batchRecordsMax: 1 };
  if (program.hook === null) return limits;
  const batchRecordsMax = Math.min(limits.batchRecordsMax, HOOK_BATCH_RECORDS_MAX);
  return { ...limits, batchRecordsMax, plannedMax: 1 };
}

/**
 * -1 lets the key decide. A request goes where its record came from, so that requests keep the order of
 * their records, whatever their keys are.
 */
export function partitionOf(exit: Exit, { id, limits }: Pick<TaskRunner, "id" | "limits">): number {
  if (exit.kind === "topic" && exit.isOwn === true) return id.partition;
  if (exit.kind !== "topic" || !exit.isHook) return -1;
  return id.partition % (limits.hookPartitions.get(exit.topic) ?? 1);
}

/** For what shares the workers' credit: hooks have their part of it first, and it is bounded. */
export function hooksFirst(runners: readonly TaskRunner[]): readonly TaskRunner[] {
  const isHook = ({ program }: TaskRunner): boolean => program.hook !== null;
  const hooks = runners.filter(isHook);
  return hooks.length === 0 ? runners : [...hooks, ...runners.filter((each) => !isHook(each))];
}
