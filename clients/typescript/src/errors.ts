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
