import { setMaxListeners } from "node:events";
import { asError, OutriggerError } from "../../errors/outrigger-error.ts";

/** How waits grow from one to the next, where they do not double. */
export interface BackoffLimits {
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly factor?: number;
}

/** Waits between attempts: growing from first to last, each with 20 % of jitter (KIP-580). */
export class Backoff {
  readonly #firstMs: number;
  readonly #lastMs: number;
  readonly #factor: number;
  #attempts = 0;

  constructor(limits: BackoffLimits) {
    this.#firstMs = limits.retryBackoffMs;
    this.#lastMs = limits.retryBackoffMaxMs;
    this.#factor = limits.factor ?? 2;
  }

  /** The next wait in ms. */
  next(): number {
    const grown = this.#firstMs * this.#factor ** Math.min(this.#attempts++, 30);
    return Math.min(grown, this.#lastMs) * (0.8 + Math.random() * 0.4);
  }

  reset(): void {
    this.#attempts = 0;
  }
}

/** Resolves after `ms`, or as soon as the signal aborts; whoever waits looks at the signal. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** The promise's outcome, or the signal's reason as soon as it aborts. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(asError(signal.reason));
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/** Says whether the catalog calls an error retriable. */
export function isRetriable(thrown: unknown): thrown is OutriggerError {
  return thrown instanceof OutriggerError && thrown.recovery === "retry";
}

/**
 * Repeats `attempt` while it throws a retriable error, until the signal aborts; then the last such
 * error is thrown, so that the reader learns what was waited for.
 */
export async function retrying<T>(
  limits: BackoffLimits,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  // One signal ends the waits of many partitions, which is no leak: each takes its listener back.
  setMaxListeners(0, signal);
  const backoff = new Backoff(limits);
  let last: unknown = null;
  while (!signal.aborted) {
    try {
      return await orAborted(attempt(), signal);
    } catch (thrown) {
      if (signal.aborted) break;
      if (!isRetriable(thrown)) throw thrown;
      last = thrown;
    }
    await delay(backoff.next(), signal);
  }
  if (last !== null) throw last;
  if (signal.reason instanceof OutriggerError) throw signal.reason;
  // The runtime's own error of a timeout is none of ours: whoever classifies errors by the catalog
  // would take it for a bug, and stop.
  const message = `no broker answered in time: ${asError(signal.reason).message}`;
  throw new OutriggerError("BROKER_UNAVAILABLE", message, { cause: signal.reason });
}
