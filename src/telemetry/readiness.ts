import type { Status, TaskStatus } from "../ports/status.ts";

/** Heartbeats fail now and then; a coordinator that is away does so for longer. */
const UNREACHABLE_MIN_MS = 3_000;
/** One refused commit is repeated at once and says nothing. */
const ABORTS_MIN = 3;
/** Of tasks of one kind so many are named. */
const NAMED_MAX = 5;

/** Why the sidecar is not ready, in words; empty when it is. `nowMs` is monotonic. */
export function unreadyReasons(status: Status, nowMs: number): string[] {
  switch (status.phase) {
    case "starting":
      return ["starting: no broker of bootstrap.servers has answered yet"];
    case "stopping":
      return ["draining: what is in flight is committed, then the process ends"];
    case "stopped":
      return ["stopped"];
    case "preparing":
      return ["preparing: topics are checked and made"];
    case "waiting":
      return ["no application is connected: it connects by OUTRIGGER_ADDRESS"];
    case "active":
      return activeReasons(status, nowMs);
  }
}

function activeReasons(status: Status, nowMs: number): string[] {
  const reasons: string[] = [];
  const { workers, joined, unreachable, abortsInARow, refusal, tasks } = status;
  if (workers === 0) reasons.push("no application is connected: it connects by OUTRIGGER_ADDRESS");
  if (unreachable !== null && nowMs - unreachable.sinceMs >= UNREACHABLE_MIN_MS) {
    const seconds = Math.round((nowMs - unreachable.sinceMs) / 1_000);
    reasons.push(`no broker has answered for ${seconds} s: ${unreachable.error}`);
  } else if (!joined) {
    reasons.push("joining the consumer group");
  }
  if (abortsInARow >= ABORTS_MIN) {
    reasons.push(`commits are refused, ${abortsInARow} in a row: ${refusal}`);
  }
  reasons.push(...named(tasks, "restoring", restoringText));
  reasons.push(
    ...named(tasks, "stopped", ({ name, error }) => `task ${name} is stopped: ${error}`),
  );
  return reasons;
}

function named(
  tasks: readonly TaskStatus[],
  phase: TaskStatus["phase"],
  text: (task: TaskStatus) => string,
): string[] {
  const those = tasks.filter((task) => task.phase === phase);
  const said = those.slice(0, NAMED_MAX).map(text);
  const more = those.length - said.length;
  return more > 0 ? [...said, `and ${more} more tasks that are ${phase}`] : said;
}

function restoringText({ name, restoring }: TaskStatus): string {
  if (restoring === null) return `task ${name} is being taken over`;
  const { store, remaining } = restoring;
  return `task ${name} restores store ${store}: ${remaining} changelog offsets are left`;
}
