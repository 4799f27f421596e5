import { OutriggerError } from "../errors/outrigger-error.ts";

/** A number of a message that has to be one of ours. Throws TOPOLOGY_INVALID. */
export function safeNumber(what: string, value: bigint, min: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= min) return number;
  throw invalid(`${what} is ${value}; it must lie between ${min} and 2^53 - 1`);
}

export function invalid(what: string): OutriggerError {
  return new OutriggerError(
    "TOPOLOGY_INVALID",
    `${what}: correct the application, or run a sidecar as new as its SDK`,
  );
}
