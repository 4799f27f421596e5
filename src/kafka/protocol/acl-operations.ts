import type { Operation } from "../../model/cluster-facts.ts";

/** What brokers answer where they were not asked, or do not tell. */
export const ANY_OPERATION_UNKNOWN = -2_147_483_648;

/** Kafka's codes of operations; each is the number of a bit (KIP-430). */
const CODES: readonly (readonly [number, Operation])[] = [
  [3, "Read"],
  [4, "Write"],
  [5, "Create"],
  [6, "Delete"],
  [8, "Describe"],
  [10, "DescribeConfigs"],
];

/** Null where the broker does not tell. */
export function operationsOf(bits: number): ReadonlySet<Operation> | null {
  if (bits === ANY_OPERATION_UNKNOWN) return null;
  return new Set(CODES.filter(([code]) => (bits & (1 << code)) !== 0).map(([, name]) => name));
}
