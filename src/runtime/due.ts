import type { TaskRunner } from "./task-runner.ts";

/** Whether a cut has something to take of the task. */
export function isDue(runner: TaskRunner): boolean {
  // Workers have died of the head: that is written down, though nothing may be final.
  return runner.hasFinal || runner.failures.hasNews || isClaiming(runner);
}

/** Its start positions are to be committed, and nothing else of it is yet. */
export function isClaiming(runner: TaskRunner): boolean {
  return runner.phase === "claiming";
}

/** Somebody waits for the commit: a first dispatch, or the group for a partition. */
export function isWaitedFor(runner: TaskRunner): boolean {
  return isClaiming(runner) || (runner.phase === "ending" && runner.isIdle);
}
