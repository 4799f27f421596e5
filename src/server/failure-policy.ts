import { OutriggerError } from "../errors/outrigger-error.ts";
import { Exhausted, type FailurePolicy as WirePolicy } from "../gen/outrigger/v1/topology_pb.ts";
import type { FailurePolicy, LastResort } from "../model/failure.ts";

/** Pauses beyond this are no pauses: a day, as the configuration's are bounded too. */
const DELAY_MS_MAX = 86_400_000;
const RETRIES_MAX = 1_000_000;
const FACTOR_MAX = 10;

/** What a node says of its failed records; nothing where it says nothing. Throws TOPOLOGY_INVALID. */
export function policyOf(
  node: string,
  policy: WirePolicy | undefined,
): { failurePolicy?: Partial<FailurePolicy> } {
  if (policy === undefined) return {};
  const within = (field: string, value: bigint | number | undefined, min: number, max: number) => {
    if (value === undefined) return undefined;
    const number = Number(value);
    if (number >= min && number <= max) return number;
    throw new OutriggerError(
      "TOPOLOGY_INVALID",
      `the failure policy of ${node} has ${field} ${value}; it must lie between ${min} and ${max}`,
    );
  };
  const said = {
    retryMax: within("retry_max", policy.retryMax, 0, RETRIES_MAX),
    initialMs: within("retry_initial_ms", policy.retryInitialMs, 1, DELAY_MS_MAX),
    factor: within("retry_factor", policy.retryFactor, 1, FACTOR_MAX),
    maxDelayMs: within("retry_max_delay_ms", policy.retryMaxDelayMs, 1, DELAY_MS_MAX),
    jitter: within("retry_jitter", policy.retryJitter, 0, 1),
    exhausted: exhaustedOf(policy.exhausted),
  };
  // What is undefined must not be there at all: it would hide what the configuration says.
  const fields = Object.entries(said).filter(([, value]) => value !== undefined);
  return { failurePolicy: Object.fromEntries(fields) as Partial<FailurePolicy> };
}

function exhaustedOf(exhausted: Exhausted): LastResort | undefined {
  switch (exhausted) {
    case Exhausted.FAIL:
      return "fail";
    case Exhausted.SKIP:
      return "skip";
    case Exhausted.DEAD_LETTER:
      return "dlq";
    case Exhausted.PARK:
      return "park";
    case Exhausted.UNSPECIFIED:
      return undefined;
  }
  // Of a newer protocol: the configuration decides.
  return undefined;
}
