import type { AbortCause } from "../transactions/transaction.ts";
import type { Batch } from "./batch.ts";

/** What happened so far; each is one metric. */
export interface Counters {
  records: number;
  commits: number;
  dropped: number;
  /** Given up by policy: without a trace, and with a dead letter. */
  skipped: number;
  deadLettered: number;
  staleAnswers: number;
  aborts: Partial<Record<AbortCause, number>>;
}

export function zeroCounters(): Counters {
  return {
    records: 0,
    commits: 0,
    dropped: 0,
    skipped: 0,
    deadLettered: 0,
    staleAnswers: 0,
    aborts: {},
  };
}

/** A batch was committed. */
export function countCommitted(
  counters: Counters,
  { taken, dropped, givenUp }: Pick<Batch, "taken" | "dropped" | "givenUp">,
): void {
  counters.records += taken.input.to - taken.input.from;
  counters.dropped += dropped;
  if (givenUp === null) return;
  if (givenUp.letter === null) counters.skipped += 1;
  else counters.deadLettered += 1;
}
