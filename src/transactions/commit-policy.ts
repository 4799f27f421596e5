/** When a commit is due: by time, by bytes, or because somebody waits for it. */

export interface CommitDemand {
  /** Anything final and not yet committed, or an ownership commit. */
  readonly hasWork: boolean;
  readonly stagedBytes: number;
  /** A revocation, a drain or a first dispatch waits for this commit. */
  readonly urgent: boolean;
  /** Workers have batches. */
  readonly awaited: boolean;
  readonly lastCutAtMs: number;
  /** When the last commit was over. */
  readonly lastEndAtMs: number;
  /** No cut before this: back-off after an abort. */
  readonly notBeforeMs: number;
}

export interface CommitLimits {
  readonly commitIntervalMs: number;
  readonly stagedBytesMax: number;
}

/**
 * How long a cut that is due waits for batches that workers have: what the last fetch before it brought
 * would wait for another interval (docs/adr/0030-fetches-that-gather.md). Short intervals have no
 * time for it.
 */
function lastAnswersMs(commitIntervalMs: number): number {
  return commitIntervalMs < LAST_ANSWERS_SHARE ? 0 : commitIntervalMs / LAST_ANSWERS_SHARE;
}

const LAST_ANSWERS_SHARE = 32;

/**
 * Between two commits brokers have half of an interval for others, and up to this: commits that follow one
 * another at once make each longer.
 */
const REST_MS_MAX = 5;

/** When a commit is due. An empty cut begins nothing. Back-off holds for urgent cuts too. */
export function commitDueAtMs(demand: CommitDemand, limits: CommitLimits): number {
  if (!demand.hasWork) return Number.POSITIVE_INFINITY;
  const isWaitedFor = demand.urgent || demand.stagedBytes >= limits.stagedBytesMax;
  if (isWaitedFor) return demand.notBeforeMs;
  const { commitIntervalMs } = limits;
  const answersMs = demand.awaited ? lastAnswersMs(commitIntervalMs) : 0;
  return Math.max(
    demand.notBeforeMs,
    demand.lastCutAtMs + commitIntervalMs + answersMs,
    demand.lastEndAtMs + Math.min(REST_MS_MAX, commitIntervalMs / 2),
  );
}

/** The most that fetches of a quiet input are apart. */
export function gatheringGapMs(commitIntervalMs: number): number {
  return Math.min(GATHERING_GAP_MS_MAX, commitIntervalMs / 2);
}

const GATHERING_GAP_MS_MAX = 20;

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
