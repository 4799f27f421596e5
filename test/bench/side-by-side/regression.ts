import { spreadOf } from "./figures.ts";

/** The share of the previous commit's throughput that is the least to keep. */
export const SHARE_MIN = 0.75;
const ROUNDS_MIN = 3;
/** Neighbours on the machine may spoil a round or two: what looks slow is looked at longer. */
export const ROUNDS_MAX = 7;
/** What looks slow for so long is slow. */
export const MORE_ROUNDS_MS = 120_000;

/** `open` where another round is needed. The median of so many ratios is what counts. */
export function regression(
  ratios: readonly number[],
  elapsedMs: number,
): "open" | "kept" | "slower" {
  const median = spreadOf(ratios)?.median;
  if (median === undefined || ratios.length < ROUNDS_MIN) return "open";
  if (median >= SHARE_MIN) return "kept";
  return ratios.length < ROUNDS_MAX && elapsedMs < MORE_ROUNDS_MS ? "open" : "slower";
}
