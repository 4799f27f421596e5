import { OutriggerError } from "../errors/outrigger-error.ts";
import type { CutRecords, EndVerdict, Refusal, TransactionalProducer } from "../ports/producer.ts";

/** How often one transaction is tried, and how long an end without an answer is asked for again. */
const TRIES_MAX = 5;
const UNKNOWN_WAIT_MAX_MS = 60_000;
const REPEAT_AFTER_MS = 100;

export type ReplayMoment = "producing" | "ending" | "applying";

export interface TransactionParts {
  readonly producer: TransactionalProducer;
  /** Told of every moment of a transaction before anything is done in it; failpoints hang here. */
  readonly entered: (moment: ReplayMoment) => void;
  /** The topic whose letters are replayed, for messages. */
  readonly topic: string;
}

/**
 * Commits one cut, or throws: then the next replay, which fences this one and reads the marks, finds out
 * what was committed.
 */
export async function commitReplay(parts: TransactionParts, cut: CutRecords): Promise<void> {
  const { producer, entered, topic } = parts;
  for (let tries = 1; ; tries++) {
    entered("producing");
    const produced = await producer.produce(cut);
    let verdict: EndVerdict | Refusal;
    if (produced.kind === "acked") {
      entered("ending");
      verdict = await endOf(producer, topic);
    } else {
      verdict = produced;
    }
    if (verdict.kind === "ended") return entered("applying");
    if (verdict.kind !== "abortable" || tries === TRIES_MAX) throw stopped(topic, verdict);
    const aborted = await producer.end("abort", "first");
    if (aborted.kind !== "ended") throw stopped(topic, aborted);
    await pause(REPEAT_AFTER_MS * tries);
  }
}

/** An outcome that is not known is asked for again, never aborted. */
async function endOf(producer: TransactionalProducer, topic: string): Promise<EndVerdict> {
  const deadlineMs = performance.now() + UNKNOWN_WAIT_MAX_MS;
  let ended = await producer.end("commit", "first");
  while (ended.kind === "unknown") {
    if (performance.now() >= deadlineMs) throw unknownOutcome(topic, ended.error);
    await pause(REPEAT_AFTER_MS);
    ended = await producer.end("commit", "repeated");
  }
  return ended;
}

function unknownOutcome(topic: string, cause: OutriggerError): OutriggerError {
  const text = `whether the last letters of ${topic} were replayed is not known yet: ${cause.message}`;
  return new OutriggerError("BROKER_UNAVAILABLE", `${text}; run the command again, it finds out`, {
    cause,
  });
}

function stopped(
  topic: string,
  { kind, error }: { readonly kind: string; readonly error: OutriggerError },
): OutriggerError {
  if (kind !== "fenced") return error;
  const text =
    `another replay of ${topic} took over, or the brokers ended its transaction; nothing was lost or ` +
    "doubled: run the command again for what is left";
  return new OutriggerError("PRODUCER_FENCED", text, { cause: error });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
