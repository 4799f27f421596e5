import type { FailurePolicy, LastResort, Verdict } from "../model/failure.ts";

/** The pause before the `failures`-th retry, in ms; `random` in [0, 1). */
export function retryDelayMs(policy: FailurePolicy, failures: number, random: number): number {
  const { initialMs, factor, maxDelayMs, jitter } = policy;
  const delayMs = Math.min(maxDelayMs, initialMs * factor ** (failures - 1));
  // Down from the whole, so that tasks that failed together do not come back together.
  return delayMs * (1 - jitter * random);
}

/**
 * What happens now to a record that has failed `failures` times: another try, or the end of it. A
 * dead letter without a topic to go to is a failure for good: nothing is dropped unasked. What cannot
 * be parked (there is no key that could wait) takes the next best.
 */
export function decide(
  policy: FailurePolicy,
  verdict: Verdict,
  failures: number,
  hasTopic: boolean,
  canPark = false,
): LastResort | "retry" {
  switch (verdict.kind) {
    case "fail":
      return "fail";
    case "deadLetter":
      return hasTopic ? "dlq" : "fail";
    case "park":
      return lastResort({ exhausted: "park" }, hasTopic, canPark);
    case "malformed":
      return lastResort(policy, hasTopic, canPark);
    case "retry":
    case "policy":
      if (failures <= policy.retryMax) return "retry";
      return lastResort(policy, hasTopic, canPark);
  }
}

/** What becomes of a record that has no tries left. */
export function lastResort(
  { exhausted }: Pick<FailurePolicy, "exhausted">,
  hasTopic: boolean,
  canPark = false,
): LastResort {
  const isImpossible = exhausted === "park" && !canPark;
  if (exhausted === null || isImpossible) return hasTopic ? "dlq" : "fail";
  return exhausted === "dlq" && !hasTopic ? "fail" : exhausted;
}
