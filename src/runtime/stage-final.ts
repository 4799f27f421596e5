import type { TaskState } from "../ports/store.ts";
import type { Ledger } from "../tasks/ledger.ts";
import type { Batch } from "./batch.ts";

/**
 * Gives the state what is final and not there yet: in order and only as a prefix, for the overlay must never
 * hold a later batch without an earlier.
 */
export function stageFinal(ledger: Ledger<Batch>, state: TaskState): void {
  for (const { item } of ledger.finalPrefix()) {
    if (item.staged || item.outcome === null) continue;
    for (const changes of item.outcome.changes) state.stage(changes);
    item.staged = true;
  }
}
