import { asError } from "../errors/outrigger-error.ts";
import type { BatchTrace } from "../ports/telemetry.ts";
import type { Batch } from "./batch.ts";
import { type PlannedRows, planBatch } from "./planner.ts";
import type { FailedRow } from "./run-operator.ts";
import type { TaskRunner } from "./task-runner.ts";

/** Plans a batch of these rows, and tells one of the two how it ended. */
export function startPlanning(
  runner: TaskRunner,
  rows: PlannedRows,
  streamTimeMs: number,
  ended: (planned: Batch | FailedRow | null, trace: BatchTrace | null) => void,
  failed: (error: Error) => void,
): void {
  const { program, state, limits, host } = runner;
  const { input } = rows.taken;
  // Before planning: what built-in nodes derive takes the headers along.
  const trace = host.telemetry.planned(runner, program.sources[input.source] ?? "", input);
  planBatch(program, state, rows, streamTimeMs, limits.frameBytesMax / 2).then(
    (planned) => ended(planned, trace),
    (error: unknown) => {
      trace?.undone("failed");
      failed(asError(error));
    },
  );
}

/** How many batches a task may have planned and not committed. */
export function plannedMax({ ledger, failures, program, limits }: TaskRunner): number {
  const { size, unfinished } = ledger;
  const finals = size - unfinished;
  if (failures.isTrying) return unfinished > 0 ? 0 : 1 + finals;
  // User code with state gets the next batch only when it has answered the last: its mutations
  // decide what the next one reads (design.md §4).
  const stateful = (program.stage?.stores.length ?? 0) > 0;
  return unfinished > 0 && stateful ? 0 : limits.plannedMax + finals;
}

/** What ran ahead of batches that stay is kept: they were planned and will be final with it. */
export function resetHead({ state, ledger }: TaskRunner): void {
  state.resetHead();
  for (const { item } of ledger.entries) {
    if (!item.staged) for (const changes of item.upstream) state.advance(changes);
  }
}
