import type { Log } from "../ports/log.ts";
import type { TaskHost } from "./task-host.ts";
import { type TaskLog, taskLog } from "./task-log.ts";
import type { TaskRunner } from "./task-runner.ts";

/** Said of a record that waits for its next try, with `task` and `error`. */
export const TRIED_AGAIN = "a record failed and is tried again";

/** What failed records leave in the log: what happened, to which record, and what happens next. */
export function failureLog(
  log: Log,
): Pick<TaskHost, "retrying" | "suspected" | "gaveUp" | "released" | "stopped"> {
  const of = (runner: TaskRunner): TaskLog => {
    return taskLog(log, runner, runner.failedIds ?? runner.traceIds);
  };
  return {
    retrying: (runner, delayMs, error) => {
      of(runner).warn(TRIED_AGAIN, {
        delayMs: Math.round(delayMs),
        error: error.message,
      });
    },
    suspected: (runner, at, records, deaths) => {
      const text = "a worker was lost while it worked on records; they go out again";
      of(runner).error(text, { at, records, deaths });
    },
    gaveUp: (runner, action, error) => {
      if (action === "park") {
        const text =
          "a record was parked: its key waits, and later records of the key follow it, until " +
          "`outrigger dlq release`";
        of(runner).error(text, { error: error.message });
        return;
      }
      const said = action === "dlq" ? "a dead letter tells of it" : "it is skipped";
      of(runner).error(`a record was given up: ${said}`, { error: error.message });
    },
    released: (runner, { action, records }) => {
      of(runner).info("a command to parked records was carried out", { action, records });
    },
    stopped: (runner, error) => {
      const text =
        "a record failed for good: the task is stopped until another application connects";
      of(runner).error(text, { error: error.message });
    },
  };
}
