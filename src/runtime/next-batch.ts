import { OutriggerError } from "../errors/outrigger-error.ts";
import type { FetchedChunk } from "../ports/consumer.ts";
import { keyOf } from "../tasks/parked-record.ts";
import { type Batch, idleBatch } from "./batch.ts";
import { drop, giveUp, parkedBytesMax } from "./giving-up.ts";
import { NOTHING_TAKEN, rowsOf, type Taken } from "./input-queue.ts";
import { allOf, type Parking, type PlannedRows } from "./parking.ts";
import type { TaskRunner } from "./task-runner.ts";

/**
 * What becomes of rows of the input: a sentence is carried out; those whose key waits are parked behind
 * it, and never dispatched; the rest is planned. Throws where a record can be kept nowhere.
 */
export function nextOf(
  runner: TaskRunner,
  taken: Taken,
  streamTimeMs: number,
): Batch | PlannedRows {
  const sentence = runner.failures.sentenceOn(rowsOf(taken));
  if (sentence !== null) return giveUp(runner, taken, sentence, streamTimeMs);
  return runner.parking?.behind(taken, parkedBytesMax(runner)) ?? allOf(taken);
}

/** The next step of the command at hand. Rejects where a record can be kept nowhere, or a store fails. */
export async function releaseNext(
  runner: TaskRunner,
  parking: Parking,
  rowsMax: number,
  streamTimeMs: number,
): Promise<Batch | PlannedRows> {
  const next = await parking.next(runner.state, rowsMax, runner.limits.batchBytesMax);
  if (next.kind === "done") {
    runner.host.released(runner, next);
    runner.host.commands(runner, "room");
    return idleBatch(NOTHING_TAKEN, streamTimeMs, { settles: next.settles });
  }
  const { taken } = next;
  const sentence = runner.failures.sentenceOn(rowsOf(taken));
  if (sentence !== null) return giveUp(runner, taken, sentence, streamTimeMs);
  if (taken.released?.action === "release") return allOf(taken);
  return drop(runner, taken, streamTimeMs);
}

const OF_A_RECORD: ReadonlySet<string> = new Set([
  "HANDLER_FAILED",
  "PARKED_FULL",
  "SUPPRESS_BUFFER_FULL",
  "TOPOLOGY_INVALID",
]);

/** Whether what was thrown says that a record can be kept nowhere: its task stops, and no other. */
export function isOfRecord(error: unknown): error is OutriggerError {
  if (!(error instanceof OutriggerError)) return false;
  return OF_A_RECORD.has(error.code);
}

/** Whether the first of the rows can be parked: it has a key that could wait, and parking is on. */
export function canPark({ parking }: TaskRunner, { input }: Taken): boolean {
  return parking !== null && keyOf(input) !== null;
}

/** Commands arrived. */
export function commanded(runner: TaskRunner, parking: Parking, chunk: FetchedChunk): void {
  parking.fetched(chunk);
  if (parking.isFull) runner.host.commands(runner, "full");
  // What is stopped is taken over again, and begins with the commands.
  if (runner.phase === "stopped" && parking.hasWork) runner.host.commands(runner, "came");
  else runner.pump();
}
