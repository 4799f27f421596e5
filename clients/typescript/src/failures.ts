import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationMs } from "./durations.ts";
import { causesOf } from "./errors.ts";
import { type FailureSchema, Verdict } from "./gen/outrigger/v1/processor_pb.ts";
import { Exhausted, type FailurePolicySchema } from "./gen/outrigger/v1/topology_pb.ts";

/**
 * Throw it to have the record tried again, after `after` where it is given, else after the policy's
 * pause; no more often than the policy has tries. Throws a RangeError for what is no duration.
 */
export class RetryLater extends Error {
  override readonly name: string = "RetryLater";
  readonly after: Duration | null;

  constructor(
    message: string,
    options: { readonly after?: Duration; readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.after = options.after ?? null;
    if (this.after !== null) durationMs(this.after);
  }
}

/** Throw it for a record that no try will help: it is dead-lettered at once. */
export class DeadLetter extends Error {
  override readonly name: string = "DeadLetter";
}

/**
 * Throw it for a record that cannot be processed now, and must not be overtaken: its key waits, and later
 * records of the key follow it, until `outrigger dlq release`. Needs `parked.enable` and a key; without
 * them it is a `DeadLetter`.
 */
export class Park extends Error {
  override readonly name: string = "Park";
}

/** Throw it when nothing must go on: the record's task stops until another application connects. */
export class StopTask extends Error {
  override readonly name: string = "StopTask";
}

/** What becomes of records that a node fails on. What is left out, the sidecar's configuration says. */
export interface FailurePolicy {
  readonly retry?: {
    /** How often a record is tried again. */
    readonly max?: number;
    /** The pause before the first retry. */
    readonly initial?: Duration;
    /** The factor by which pauses grow, from 1 on. */
    readonly factor?: number;
    readonly maxDelay?: Duration;
    /** The share of each pause that is left to chance, from 0 to 1. */
    readonly jitter?: number;
  };
  /** What becomes of a record whose tries are used up; `park` needs `parked.enable`. */
  readonly exhausted?: "fail" | "skip" | "deadLetter" | "park";
}

const EXHAUSTED = {
  fail: Exhausted.FAIL,
  skip: Exhausted.SKIP,
  deadLetter: Exhausted.DEAD_LETTER,
  park: Exhausted.PARK,
} as const;

export function wirePolicy(
  policy: FailurePolicy | undefined,
): MessageInitShape<typeof FailurePolicySchema> | undefined {
  if (policy === undefined) return undefined;
  const { retry = {}, exhausted } = policy;
  if (retry.max !== undefined && !(Number.isSafeInteger(retry.max) && retry.max >= 0)) {
    throw new RangeError(`a failure policy has retry.max ${retry.max}: give a number from 0 on`);
  }
  return {
    ...(retry.max === undefined ? {} : { retryMax: retry.max }),
    ...(retry.initial === undefined ? {} : { retryInitialMs: BigInt(durationMs(retry.initial)) }),
    ...(retry.factor === undefined ? {} : { retryFactor: retry.factor }),
    ...(retry.maxDelay === undefined
      ? {}
      : { retryMaxDelayMs: BigInt(durationMs(retry.maxDelay)) }),
    ...(retry.jitter === undefined ? {} : { retryJitter: retry.jitter }),
    ...(exhausted === undefined ? {} : { exhausted: EXHAUSTED[exhausted] }),
  };
}

/** Of each text, in bytes: a failure must not take the frame from its neighbours. */
const FAILURE_TEXT_BYTES_MAX = 4_096;

export function failureOf(error: unknown, node: string): MessageInitShape<typeof FailureSchema> {
  if (!(error instanceof Error)) return { type: typeof error, message: cut(error), node };
  const { name, message, stack = "" } = error;
  const said = { type: cut(name) || "Error", message: cut(message), stack: cut(stack), node };
  return { ...said, ...verdictOf(error) };
}

/** The outermost that says anything: a serde's error, say, comes as the cause of another. */
function verdictOf(
  error: Error,
): Pick<MessageInitShape<typeof FailureSchema>, "verdict" | "retryAfterMs"> {
  for (const cause of causesOf(error)) {
    if (cause instanceof DeadLetter) return { verdict: Verdict.DEAD_LETTER };
    if (cause instanceof Park) return { verdict: Verdict.PARK };
    if (cause instanceof StopTask) return { verdict: Verdict.FAIL };
    if (!(cause instanceof RetryLater)) continue;
    if (cause.after === null) return { verdict: Verdict.RETRY };
    return { verdict: Verdict.RETRY, retryAfterMs: BigInt(durationMs(cause.after)) };
  }
  return {};
}

function cut(said: unknown): string {
  const bytes = Buffer.from(textOf(said));
  let end = Math.min(bytes.length, FAILURE_TEXT_BYTES_MAX);
  // Not within a character: bytes that continue one begin with the bits 10.
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

function textOf(said: unknown): string {
  try {
    return String(said);
  } catch {
    return "(it has no text)";
  }
}
