import { invariant } from "../errors/invariant.ts";
import type { StoreMarks } from "../ports/store.ts";

/** Of a store that nothing was written to. */
export const NO_MARKS: StoreMarks = {
  positions: new Map(),
  inputOffsets: new Map(),
  streamTimeMs: 0,
  commitSequence: 0,
  caughtUpAtMs: 0,
};

/** The marks of a commit, with the positions of the stores that it did not change. */
export function mergedMarks(before: StoreMarks | null, marks: StoreMarks): StoreMarks {
  const positions = new Map([...(before?.positions ?? []), ...marks.positions]);
  for (const [store, { position, topicId }] of marks.positions) {
    const last = before?.positions.get(store);
    const isForward = last?.topicId !== topicId || last.position <= position;
    invariant(isForward, `the position of store ${store} must not go back to ${position}`);
  }
  return { ...marks, positions };
}
