import { catalog, type ErrorCode, type Recovery } from "./catalog.ts";

/**
 * The one error class: its code says what happens next. The message names the thing, the value and
 * the remedy; `cause` keeps what was caught.
 */
export class OutriggerError extends Error {
  override readonly name = "OutriggerError";
  readonly code: ErrorCode;
  /** What a broker said, by Kafka's name of it; null where no broker said anything. */
  readonly kafkaError: string | null;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly kafkaError?: string },
  ) {
    super(message, options);
    this.code = code;
    this.kafkaError = options?.kafkaError ?? null;
  }

  get recovery(): Recovery {
    return catalog[this.code].recovery;
  }

  /** What a person does about errors of this code, where the message itself does not say more. */
  get remedy(): string {
    return catalog[this.code].remedy;
  }
}

/** Turns anything caught into an error with a message. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
