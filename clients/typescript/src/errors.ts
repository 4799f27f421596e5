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
  if (error instanceof NotReadyError) return error.ready;
  return error instanceof Error && error.cause !== undefined ? readyOf(error.cause) : null;
}
