/** The sidecar's word that this application cannot run; `code` has a page in its docs/errors. */
export class OutriggerClientError extends Error {
  override readonly name = "OutriggerClientError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
