/** What a record asks of the application's code by its last field; without one it is a good record. */
export type Mark = "fail" | "reject" | "kill" | "hang" | "park";

/** By the index of a record in the input. */
export type Marks = (index: number) => Mark | null;

/** How the application treats its input, where that is not as usual. */
export interface Conditions {
  /** Records that are given up have dead letters in `<prefix>-letters`. */
  readonly hasLetters: boolean;
  /** Keys wait, and others overtake them: order is by key, and there are no windows. */
  readonly parks: boolean;
  /** Records go on behind a repartition, too: see regrouped.ts. */
  readonly regroups?: boolean;
}

export const USUAL: Conditions = { hasLetters: false, parks: false };
