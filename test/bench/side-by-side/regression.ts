import { spreadOf } from "./figures.ts";

/** The share of the previous commit's throughput that is the least to keep. */
export const SHARE_MIN = 0.75;
const ROUNDS_MIN = 3;
/** Neighbours on the machine may spoil a round or two: what looks slow is looked at longer. */
export const ROUNDS_MAX = 7;
/** What looks slow for so long is slow. */
export const MORE_ROUNDS_MS = 120_000;

/** Of a commit that is slower on purpose: `Throughput-accepted: 0.6`, and the reason in its message. */
const ACCEPTED = /^Throughput-accepted: (0\.\d+)$/gm;

/** The share to keep, where the messages of the commits since may have accepted less. */
export function shareMin(messages: string): number {
  const accepted = [...messages.matchAll(ACCEPTED)].map(([, share]) => Number(share));
  return Math.min(SHARE_MIN, ...accepted);
}

/** `open` where another round is needed. The median of so many ratios is what counts. */
export function regression(
  ratios: readonly number[],
  elapsedMs: number,
  least = SHARE_MIN,
): "open" | "kept" | "slower" {
  const median = spreadOf(ratios)?.median;
  if (median === undefined || ratios.length < ROUNDS_MIN) return "open";
  if (median >= least) return "kept";
  return ratios.length < ROUNDS_MAX && elapsedMs < MORE_ROUNDS_MS ? "open" : "slower";
}
