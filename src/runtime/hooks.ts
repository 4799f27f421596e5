import type { Program } from "../model/topology.ts";
import type { RunnerLimits } from "./task-host.ts";
import type { TaskRunner } from "./task-runner.ts";

/**
 * A hook calls the world, and takes its time: what a batch of requests takes must stay well within
 * processing.timeout.ms, and what one failure or death repeats must be little.
 */
export const HOOK_BATCH_RECORDS_MAX = 16;

/** What holds for the tasks of a program: a hook's have one small batch with the application at a time. */
export function limitsOf(program: Program, limits: RunnerLimits): RunnerLimits {
  if (program.hook === null) return limits;
  const batchRecordsMax = Math.min(limits.batchRecordsMax, HOOK_BATCH_RECORDS_MAX);
  return { ...limits, batchRecordsMax, plannedMax: 1 };
}

/**
 * By sink of the task's stage: -1 lets the key decide. A request goes where its record came from, so that
 * requests keep the order of their records, whatever their keys are.
 */
export function sinkPartitions({ program, id, limits }: TaskRunner): readonly number[] {
  return (program.stage?.sinks ?? []).map(({ topic, isHook }) =>
    isHook ? id.partition % (limits.hookPartitions.get(topic) ?? 1) : -1,
  );
}

/** For what shares the workers' credit: hooks have their part of it first, and it is bounded. */
export function hooksFirst(runners: readonly TaskRunner[]): readonly TaskRunner[] {
  const isHook = ({ program }: TaskRunner): boolean => program.hook !== null;
  const hooks = runners.filter(isHook);
  return hooks.length === 0 ? runners : [...hooks, ...runners.filter((each) => !isHook(each))];
}
