import type { SettledRecords } from "../ports/telemetry.ts";
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

/** What was settled between two moments. */
export function settledSince(before: Readonly<Counters>, now: Readonly<Counters>): SettledRecords {
  return {
    records: now.records - before.records,
    dropped: now.dropped - before.dropped,
    skipped: now.skipped - before.skipped,
    deadLettered: now.deadLettered - before.deadLettered,
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
