import type { Log } from "../ports/log.ts";
import type { TaskHost } from "./task-host.ts";

/** What failed records leave in the log: what happened, to which record, and what happens next. */
export function failureLog(
  log: Log,
): Pick<TaskHost, "retrying" | "suspected" | "gaveUp" | "stopped"> {
  return {
    retrying: ({ name }, delayMs, error) => {
      log.warn("a record failed and is tried again", {
        task: name,
        delayMs: Math.round(delayMs),
        error: error.message,
      });
    },
    suspected: ({ name }, at, records, deaths) => {
      log.error("a worker was lost while it worked on records; they go out again", {
        task: name,
        at,
        records,
        deaths,
      });
    },
    gaveUp: ({ name }, action, error) => {
      const said = action === "dlq" ? "a dead letter tells of it" : "it is skipped";
      log.error(`a record was given up: ${said}`, { task: name, error: error.message });
    },
    stopped: ({ name }, error) => {
      log.error(
        "a record failed for good: the task is stopped until another application connects",
        { task: name, error: error.message },
      );
    },
  };
}
