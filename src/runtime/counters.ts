import type { SettledRecords, Telemetry } from "../ports/telemetry.ts";
import type { AbortCause } from "../transactions/transaction.ts";
import type { Batch } from "./batch.ts";
import type { TaskCut } from "./cut.ts";

/** What happened so far; each is one metric. */
export interface Counters {
  records: number;
  commits: number;
  dropped: number;
  /** Given up by policy: without a trace, and with a dead letter. */
  skipped: number;
  deadLettered: number;
  /** Input records that wait, those that followed others of their key among them. */
  parked: number;
  /** Records that had waited and were processed or dropped. */
  released: number;
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
    parked: 0,
    released: 0,
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
    parked: now.parked - before.parked,
    released: now.released - before.released,
  };
}

/** What a cut took of a task was committed. */
export function countTask(
  counters: Counters,
  { runner, batches }: TaskCut,
  telemetry: Telemetry,
  wallMs: number,
): void {
  for (const batch of batches) {
    countCommitted(counters, batch);
    const { taken, firstTimestampMs } = batch;
    if (firstTimestampMs === null) continue;
    const topic = runner.program.sources[taken.input.source] ?? "";
    telemetry.age(topic, wallMs - firstTimestampMs);
  }
}

/** A batch was committed. */
function countCommitted(
  counters: Counters,
  { taken, dropped, givenUp, letters, parked }: Batch,
): void {
  const rows = taken.input.to - taken.input.from;
  if (taken.released === undefined) counters.records += rows;
  else if (givenUp?.action !== "park") counters.released += rows;
  counters.dropped += dropped;
  counters.parked += parked?.places.length ?? 0;
  if (givenUp?.action === "skip") counters.skipped += rows;
  counters.deadLettered += letters.length + (givenUp?.letters.length ?? 0);
}
