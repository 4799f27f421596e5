import { type Duration, durationMs } from "./durations.ts";

/** Windows of fixed size that neither overlap nor leave gaps, aligned to the epoch. */
export interface TumblingWindows {
  readonly kind: "tumbling";
  readonly sizeMs: number;
  readonly graceMs: number;
}

/** Windows of fixed size that begin each `advanceMs`, aligned to the epoch: records are in several. */
export interface HoppingWindows {
  readonly kind: "hopping";
  readonly sizeMs: number;
  readonly advanceMs: number;
  readonly graceMs: number;
}

/** Windows of records that lie at most `timeDifferenceMs` apart, as Kafka Streams' (KIP-450). */
export interface SlidingWindows {
  readonly kind: "sliding";
  readonly timeDifferenceMs: number;
  readonly graceMs: number;
}

/** Windows of records of a key that follow each other within `gapMs`. */
export interface SessionWindows {
  readonly kind: "session";
  readonly gapMs: number;
  readonly graceMs: number;
}

export type TimeWindows = TumblingWindows | HoppingWindows | SlidingWindows;
export type Windows = TimeWindows | SessionWindows;

export interface GraceOptions {
  /** How long after its end a window takes late records, in stream time. Default: 0. */
  readonly grace?: Duration;
}

/** Windows of fixed size, one behind the other. Throws a RangeError where the size is 0 or no duration. */
export function tumbling(size: Duration, { grace = 0 }: GraceOptions = {}): TumblingWindows {
  const sizeMs = positive("a window", size);
  return { kind: "tumbling", sizeMs, graceMs: durationMs(grace) };
}

/**
 * Windows of fixed size that overlap: one begins each `advance`. Throws a RangeError where the size or the
 * advance is 0, or the advance more than the size: records in between would be in no window.
 */
export function hopping(
  size: Duration,
  { advance, grace = 0 }: GraceOptions & { readonly advance: Duration },
): HoppingWindows {
  const sizeMs = positive("a window", size);
  const advanceMs = positive("an advance", advance);
  if (advanceMs > sizeMs) {
    const text = `windows of ${String(size)} cannot advance by ${String(advance)}`;
    throw new RangeError(`${text}: records in between would be in none`);
  }
  return { kind: "hopping", sizeMs, advanceMs, graceMs: durationMs(grace) };
}

/**
 * For each record the windows that its time begins or ends: records that lie at most `timeDifference` apart
 * share one. Both ends of such a window are included.
 */
export function sliding(
  timeDifference: Duration,
  { grace = 0 }: GraceOptions = {},
): SlidingWindows {
  const timeDifferenceMs = durationMs(timeDifference);
  return { kind: "sliding", timeDifferenceMs, graceMs: durationMs(grace) };
}

/**
 * Sessions: records of a key that follow each other within `gap`. A record that closes a gap merges what was
 * two. Both ends of a session are included. Throws a RangeError where the gap is 0.
 */
export function session(gap: Duration, { grace = 0 }: GraceOptions = {}): SessionWindows {
  return { kind: "session", gapMs: positive("a gap", gap), graceMs: durationMs(grace) };
}

function positive(what: string, duration: Duration): number {
  const ms = durationMs(duration);
  if (ms > 0) return ms;
  throw new RangeError(`${what} of ${String(duration)} is none: it must be above 0`);
}

/** How long windows are from their start to their end; a session's length is its own. */
export function lengthMs(windows: TimeWindows): number {
  return windows.kind === "sliding" ? windows.timeDifferenceMs : windows.sizeMs;
}
