import type { ClusterFacts } from "../model/cluster-facts.ts";

export interface Wanted {
  readonly groupId: string;
  readonly transactionalId: string;
  readonly sources: Listed;
  readonly sinks: readonly string[];
  readonly changelogs: Listed;
  /** Also what takes longer: every topic's name, rights to create, the tails of changelogs. */
  readonly thorough: boolean;
}

/** Topics by name, or all that can be found: those the group committed, those named as changelogs. */
export type Listed = readonly string[] | "found";

/** Looks at the cluster and changes nothing. */
export interface Inspector {
  /**
   * What is refused or cannot be had is part of the facts. Rejects with an OutriggerError only when
   * no broker answers.
   */
  inspect(wanted: Wanted, signal: AbortSignal): Promise<ClusterFacts>;
}
