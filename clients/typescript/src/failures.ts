import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationMs } from "./durations.ts";
import { type FailureSchema, Verdict } from "./gen/outrigger/v1/processor_pb.ts";
import { Exhausted, type FailurePolicySchema } from "./gen/outrigger/v1/topology_pb.ts";

/**
 * Throw it to have the record tried again, after `after` where it is given, else after the policy's
 * pause; no more often than the policy has tries.
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
  }
}

/** Throw it for a record that no try will help: it is dead-lettered at once. */
export class DeadLetter extends Error {
  override readonly name: string = "DeadLetter";
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
  /** What becomes of a record whose tries are used up. */
  readonly exhausted?: "fail" | "skip" | "deadLetter";
}

const EXHAUSTED = {
  fail: Exhausted.FAIL,
  skip: Exhausted.SKIP,
  deadLetter: Exhausted.DEAD_LETTER,
} as const;

export function wirePolicy(
  policy: FailurePolicy | undefined,
): MessageInitShape<typeof FailurePolicySchema> | undefined {
  if (policy === undefined) return undefined;
  const { retry = {}, exhausted } = policy;
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

/** Of each text: a failure must not take the frame from its neighbours. */
const FAILURE_BYTES_MAX = 4_096;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function failureOf(error: unknown, node: string): MessageInitShape<typeof FailureSchema> {
  if (!(error instanceof Error)) return { type: typeof error, message: cut(error), node };
  const { name, message, stack = "" } = error;
  const said = { type: cut(name), message: cut(message), stack: cut(stack), node };
  return { ...said, ...verdictOf(error) };
}

/** Not within a character: half of one would come out as another. */
function cut(said: unknown): string {
  const text = String(said);
  const bytes = encoder.encode(text);
  if (bytes.length <= FAILURE_BYTES_MAX) return text;
  return decoder.decode(bytes.subarray(0, FAILURE_BYTES_MAX)).replace(/\uFFFD+$/, "");
}

function verdictOf(
  error: Error,
): Pick<MessageInitShape<typeof FailureSchema>, "verdict" | "retryAfterMs"> {
  if (error instanceof DeadLetter) return { verdict: Verdict.DEAD_LETTER };
  if (error instanceof StopTask) return { verdict: Verdict.FAIL };
  if (!(error instanceof RetryLater)) return {};
  if (error.after === null) return { verdict: Verdict.RETRY };
  return { verdict: Verdict.RETRY, retryAfterMs: BigInt(durationMs(error.after)) };
}
