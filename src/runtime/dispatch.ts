import { invariant } from "../errors/invariant.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { Application, WorkerId } from "../ports/application.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { Workers } from "./workers.ts";

/** Sends what is queued of a task, in order, as long as its worker has credit. */
export function dispatchQueued(
  runner: TaskRunner,
  workers: Workers,
  application: Application,
  { nowMs, processingTimeoutMs }: { readonly nowMs: number; readonly processingTimeoutMs: number },
): void {
  const { frame, hook } = runner.program;
  const isHook = hook !== null;
  while (runner.phase === "running") {
    const entry = runner.ledger.nextQueued();
    if (entry === null) return;
    entry.isAlone = runner.failures.mustBeAlone;
    const worker = workers.forTask(runner.name, entry.isAlone, isHook);
    if (worker === null) return;
    const { hop } = entry.item;
    invariant(hop !== null, "what is queued waits for a stage");
    const { rows, states, stage } = hop;
    const isAgain = entry.dispatchId > 0;
    const name = {
      taskName: runner.name,
      taskEpoch: runner.epoch,
      dispatchId: runner.ledger.dispatch(entry, worker, nowMs),
    };
    entry.item.trace?.dispatched(worker, isAgain);
    const place = { stage: frame.stage + stage.index, firstSource: frame.source };
    const batch = { ...name, ...place, rows, states, processingTimeoutMs };
    const bytes = application.dispatch(worker, batch);
    workers.dispatched(worker, name, bytes, nowMs, isHook);
  }
}

/** A worker that stops gave a batch back: another may serve the task once it holds nothing of it. */
export function passOn(
  runner: TaskRunner,
  entry: Parameters<TaskRunner["answered"]>[0],
  worker: WorkerId,
  workers: Workers,
): void {
  runner.ledger.requeue(entry);
  if (runner.ledger.inFlight().every((other) => other.worker !== worker)) {
    workers.forgetTask(runner.name);
  }
}

export function overdueError(worker: WorkerId, processingTimeoutMs: number): OutriggerError {
  const text =
    `worker ${worker} did not answer a batch for ${processingTimeoutMs} ms (processing.timeout.ms): its ` +
    "batches are dispatched again";
  return new OutriggerError("HANDLER_FAILED", text);
}
