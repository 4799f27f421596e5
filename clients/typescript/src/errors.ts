/**
 * The sidecar's word that this application cannot run, or that the two cannot understand each other;
 * `code` has a page in the sidecar's docs/errors.
 */
export class OutriggerClientError extends Error {
  override readonly name = "OutriggerClientError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/**
 * What a serde throws that cannot read yet, such as one that meets a schema for the first time: the
 * record begins anew when `ready` has resolved, and fails with its reason when it rejects.
 */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
  readonly ready: Promise<unknown>;

  constructor(message: string, ready: Promise<unknown>) {
    super(message);
    this.ready = ready;
  }
}

/** What to wait for, should that be all that is wrong; else null. */
export function readyOf(error: unknown): Promise<unknown> | null {
  for (const cause of causesOf(error)) if (cause instanceof NotReadyError) return cause.ready;
  return null;
}

/** Causes of causes that are looked at: a chain may go in a circle. */
const CAUSES_MAX = 32;

/** The error, its cause, and so on. */
export function* causesOf(error: unknown): Generator<unknown> {
  let cause = error;
  for (let depth = 0; depth < CAUSES_MAX && cause !== undefined; depth++) {
    yield cause;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
}
