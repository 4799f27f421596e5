/** When a commit is due: by time, by bytes, or because somebody waits for it. */

export interface CommitDemand {
  /** Anything final and not yet committed, or an ownership commit. */
  readonly hasWork: boolean;
  readonly stagedBytes: number;
  /** A revocation, a drain or a first dispatch waits for this commit. */
  readonly urgent: boolean;
  readonly lastCutAtMs: number;
  /** No cut before this: back-off after an abort. */
  readonly notBeforeMs: number;
}

export interface CommitLimits {
  readonly commitIntervalMs: number;
  readonly stagedBytesMax: number;
}

/** An empty cut begins nothing. Back-off holds for urgent cuts too. */
export function isCommitDue(demand: CommitDemand, limits: CommitLimits, nowMs: number): boolean {
  if (!demand.hasWork || nowMs < demand.notBeforeMs) return false;
  if (demand.urgent || demand.stagedBytes >= limits.stagedBytesMax) return true;
  return nowMs - demand.lastCutAtMs >= limits.commitIntervalMs;
}

/** The most that fetches of a quiet input are apart between two cuts. */
export const GATHERING_GAP_MS_MAX = 20;

const BACK_OFF_FIRST_MS = 10;
const BACK_OFF_MAX_MS = 1_000;

/** Pause after the n-th abort in a row, n from 1: 10 ms doubling to 1 s. */
export function abortBackOffMs(abortsInARow: number): number {
  return Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(abortsInARow - 1, 10));
}

/** Three fencings within a transaction timeout: another process uses the id. */
export const FENCINGS_MAX = 3;

/** Keeps the fencings of the last `windowMs`; says whether the id is contended. */
export function recordFencing(
  fencedAtMs: readonly number[],
  nowMs: number,
  windowMs: number,
): { readonly recent: readonly number[]; readonly contended: boolean } {
  const recent = [...fencedAtMs.filter((at) => nowMs - at < windowMs), nowMs];
  return { recent, contended: recent.length >= FENCINGS_MAX };
}
