import { invariant } from "../errors/invariant.ts";
import { OutriggerError } from "../errors/outrigger-error.ts";
import type { RowRange } from "../model/rows.ts";
import { topicPartitionName } from "../model/topic-partition.ts";
import type { Program } from "../model/topology.ts";
import type { ParkedCause } from "../tasks/parked-record.ts";
import { largestRecord } from "./answers.ts";
import { type Batch, idleBatch } from "./batch.ts";
import { type DeadLetter, deadLetterOf } from "./dead-letters.ts";
import { errorOf, type Sentence } from "./failures.ts";
import type { Taken } from "./input-queue.ts";
import type { LateRow } from "./late-rows.ts";
import type { Parking } from "./parking.ts";
import type { RunnerLimits } from "./task-host.ts";
import type { TaskRunner } from "./task-runner.ts";

/** The task whose record is given up. */
export interface GivingTask {
  readonly program: Program;
  readonly limits: RunnerLimits;
  readonly name: string;
  readonly parking: Parking | null;
}

/**
 * Carries a sentence out: nothing of the record counts, and its offset is stepped over by the next cut.
 * Throws where it cannot be kept anywhere.
 */
export function giveUp(
  task: TaskRunner,
  taken: Taken,
  sentence: Sentence,
  streamTimeMs: number,
): Batch {
  const batch = givenUp(task, taken, sentence, streamTimeMs);
  const at = placeOf(task.program, taken.input);
  task.host.gaveUp(task, sentence.action, errorOf(sentence.fault, at));
  return batch;
}

function givenUp(task: GivingTask, taken: Taken, sentence: Sentence, streamTimeMs: number): Batch {
  const { action } = sentence;
  if (action !== "park") {
    const letters = action === "dlq" ? [letterOf(task, taken.input, causeOf(sentence))] : [];
    return idleBatch(taken, streamTimeMs, { givenUp: { action, letters } });
  }
  const { parking } = task;
  invariant(parking !== null, "nothing is parked where parking is off");
  const cause = causeOf(sentence);
  const bytesMax = parkedBytesMax(task);
  const givenUp = { action, letters: [] };
  if (taken.released !== undefined) {
    const settles = parking.parkAgain(taken, cause, bytesMax);
    return idleBatch(taken, streamTimeMs, { givenUp, settles });
  }
  const parked = parking.park(taken, cause, bytesMax);
  return idleBatch(taken, streamTimeMs, { givenUp, parked });
}

/** Lets parked records go unprocessed, each with a dead letter unless they are to be discarded. */
export function drop(task: GivingTask, taken: Taken, streamTimeMs: number): Batch {
  const { input, released } = taken;
  const action = released?.action === "drop" ? "dlq" : "skip";
  const letters: DeadLetter[] = [];
  if (action === "dlq") {
    for (const [index, cause] of (released?.causes ?? []).entries()) {
      const row = { ...input, from: input.from + index, to: input.from + index + 1 };
      letters.push(letterOf(task, row, cause ?? BEHIND));
    }
  }
  return idleBatch(taken, streamTimeMs, { givenUp: { action, letters } });
}

/** Bytes that a parked record may have, with what is known of it. */
export function parkedBytesMax({
  program,
  limits,
}: Pick<GivingTask, "program" | "limits">): number {
  const store = program.stores[program.parking?.store ?? -1];
  return largestRecord(store?.changelogTopic ?? "", limits);
}

/** Where a record stands, for people. */
export function placeOf(
  { sources }: Program,
  { columns, source, partition, from }: RowRange,
): string {
  const topic = sources[source] ?? "";
  const at = columns.offsets[from];
  return `${topicPartitionName({ topic, partition })}@${at ?? "none, by stream time alone"}`;
}

/** A dead letter for each late record of the batch; nothing else becomes of it. */
export function lettersOfLate(
  task: GivingTask,
  taken: Taken,
  late: readonly LateRow[],
): DeadLetter[] {
  const { input } = taken;
  const { offsets } = input.columns;
  return late.map(({ offset, node, streamTimeMs }) => {
    let from = input.from;
    while (from < input.to - 1 && offsets[from] !== offset) from += 1;
    const message =
      `every window that it belongs to at node "${node}" had closed: stream time is ${streamTimeMs} ms. ` +
      "Give the windows more grace, or send it sooner";
    const cause = {
      reason: "late",
      attempts: 0,
      node,
      type: "LateRecord",
      message,
      stack: "",
    } as const;
    return letterOf(task, { ...input, from, to: from + 1 }, cause);
  });
}

function letterOf(
  { program, limits, name }: GivingTask,
  row: RowRange,
  cause: ParkedCause,
): DeadLetter {
  const letters = limits.failures.deadLetterTopic ?? "";
  const bytesMax = largestRecord(letters, limits);
  const topic = program.sources[row.source] ?? "";
  const origin = { topic, applicationId: limits.applicationId, task: name };
  const letter = deadLetterOf(row, { ...cause, fault: cause }, origin, bytesMax);
  if (letter !== null) return letter;
  const text =
    `record ${placeOf(program, row)} is to be dead-lettered, and is too large for it: the limit is ` +
    `${bytesMax} bytes (producer.max.request.size, or max.message.bytes of ${letters}), ` +
    "which is to be raised";
  throw new OutriggerError("HANDLER_FAILED", text);
}

function causeOf({ reason, attempts, fault }: Sentence): ParkedCause {
  const { node, type, message, stack } = fault;
  return { reason, attempts, node, type, message, stack };
}

/** Why a record goes that failed nowhere. */
const BEHIND: ParkedCause = {
  reason: "parked_behind",
  attempts: 0,
  node: "",
  type: "",
  message: "",
  stack: "",
};
