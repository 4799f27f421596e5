import type { ChangelogEnd } from "./offset-metadata.ts";

/** What a takeover does with one store before it may run. Decided, not done, here. */
export type RestorePlan =
  /** Apply `[from, target)` of the changelog; wipe first where the store cannot be trusted. */
  | {
      readonly kind: "restore";
      readonly wipe: "no" | WipeReason;
      readonly from: number;
      readonly target: number;
    }
  /** Committed state was lost: the changelog ends before what was committed, or is another topic. */
  | { readonly kind: "stateLost"; readonly reason: string }
  /** State exists without a committed offset of ours: never start from nowhere. */
  | { readonly kind: "offsetsLost"; readonly reason: string };

export type WipeReason = "otherTopic" | "beyondEnd" | "beforeStart" | "tooOld" | "clockWentBack";

export interface RestoreFacts {
  /** The topic id of the changelog as it is now. */
  readonly topicId: string;
  readonly logStart: number;
  /** Log end read uncommitted, asked for after the offsets were answered. */
  readonly logEnd: number;
  /** What the store on disk says; null when it is new. */
  readonly local: { readonly topicId: string; readonly position: number } | null;
  /** It was written with the cut that was committed last: nothing committed is missing in it. */
  readonly localHasLastCut: boolean;
  readonly localCaughtUpAtMs: number;
  readonly wallMs: number;
  /** The changelog's `delete.retention.ms`. */
  readonly deleteRetentionMs: number;
  /** Whether the task has a committed offset with our metadata. */
  readonly hasCommitted: boolean;
  /** The store's entry of that metadata; null for a store that no cut had yet. */
  readonly committed: ChangelogEnd | null;
}

export function planRestore(facts: RestoreFacts): RestorePlan {
  if (!facts.hasCommitted) {
    if (facts.logEnd > 0) {
      return { kind: "offsetsLost", reason: `its changelog has records up to ${facts.logEnd}` };
    }
    if (facts.local !== null && facts.local.position > 0) {
      return { kind: "offsetsLost", reason: `the local store is at ${facts.local.position}` };
    }
  }
  const { committed } = facts;
  if (committed !== null && committed.topicId !== facts.topicId) {
    const reason = `it was committed with topic id ${committed.topicId}, now ${facts.topicId}`;
    return { kind: "stateLost", reason };
  }
  if (committed !== null && facts.logEnd < committed.end) {
    const reason = `it ends at ${facts.logEnd}, but ${committed.end} was committed`;
    return { kind: "stateLost", reason };
  }
  const wipe = wipeReason(facts);
  const isAnew = facts.local === null || wipe !== "no";
  if (isAnew && committed !== null && committed.end > 0 && facts.logStart >= committed.end) {
    const reason = `it begins at ${facts.logStart}, and what was committed ended at ${committed.end}`;
    return { kind: "stateLost", reason };
  }
  const from =
    wipe === "no" && facts.local !== null
      ? Math.max(facts.local.position, facts.logStart)
      : facts.logStart;
  return { kind: "restore", wipe, from, target: Math.max(facts.logEnd, from) };
}

/** The changelog can rebuild the store (checked above), so doubt means: from the start. */
function wipeReason(facts: RestoreFacts): "no" | WipeReason {
  const { local } = facts;
  if (local === null) return "no";
  if (local.topicId !== facts.topicId) return "otherTopic";
  if (local.position > facts.logEnd) return "beyondEnd";
  // A position stands before its cut's marker, and the log may begin behind that: what a store with
  // the last cut has not read are markers and aborted records.
  if (local.position < facts.logStart && !facts.localHasLastCut) return "beforeStart";
  if (facts.wallMs < facts.localCaughtUpAtMs) return "clockWentBack";
  // A tombstone may be compacted away after delete.retention.ms; a store that has not seen it would
  // resurrect the key. Half, because compaction and clocks are not exact.
  const absentMs = facts.wallMs - facts.localCaughtUpAtMs;
  return absentMs > facts.deleteRetentionMs / 2 ? "tooOld" : "no";
}
