import { asError, OutriggerError } from "../errors/outrigger-error.ts";

/** What is thrown, not answered, comes of a store: ports of Kafka answer with verdicts. */
export function storeFailure(thrown: unknown): OutriggerError {
  if (thrown instanceof OutriggerError) return thrown;
  const { message } = asError(thrown);
  const text = `the state directory failed (${message}): mend or free its disk, then start again`;
  return new OutriggerError("STORE_FAILED", text, { cause: thrown });
}
