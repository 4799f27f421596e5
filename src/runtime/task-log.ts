import type { TaskId } from "../model/task-id.ts";
import type { Log, LogFields } from "../ports/log.ts";
import type { TraceIds } from "../ports/telemetry.ts";

/** What a task's lines say of it. */
export interface LoggedTask {
  readonly name: string;
  readonly epoch: number;
  readonly id: TaskId;
  /** Of its takeover; null while tracing is off. */
  readonly traceIds: TraceIds | null;
}

export type TaskLog = {
  readonly [Level in "info" | "warn" | "error"]: (message: string, fields?: LogFields) => void;
};

/**
 * The log of a task: every line has `task`, `partition` and `epoch`, and the ids of the trace that it
 * belongs to: `at` where a record is meant, else the task's takeover.
 */
export function taskLog(log: Log, task: LoggedTask, at: TraceIds | null = task.traceIds): TaskLog {
  const named: LogFields = {
    task: task.name,
    partition: task.id.partition,
    epoch: task.epoch,
    ...(at === null ? {} : { trace_id: at.traceId, span_id: at.spanId }),
  };
  return {
    info: (message, fields) => log.info(message, { ...named, ...fields }),
    warn: (message, fields) => log.warn(message, { ...named, ...fields }),
    error: (message, fields) => log.error(message, { ...named, ...fields }),
  };
}
