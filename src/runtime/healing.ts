import { OutriggerError } from "../errors/outrigger-error.ts";

/** A disk that rots faster than this is to be replaced, not restored to again and again. */
const AGAIN_AFTER_MS = 600_000;

/** When the state of each task was last restored because it was damaged. */
export class Healing {
  readonly #healedAtMs = new Map<string, number>();

  /**
   * What is to stop the process; null where the task is to be taken over anew, with an emptied
   * store: damage, and the first of this task for a while.
   */
  judge(taskName: string, error: OutriggerError, nowMs: number): OutriggerError | null {
    if (error.code !== "STORE_CORRUPTED") return error;
    const before = this.#healedAtMs.get(taskName) ?? Number.NEGATIVE_INFINITY;
    const sinceMs = nowMs - before;
    if (sinceMs >= AGAIN_AFTER_MS) {
      this.#healedAtMs.set(taskName, nowMs);
      return null;
    }
    return new OutriggerError(
      "STORE_FAILED",
      `the state of task ${taskName} is damaged again ${Math.round(sinceMs / 1_000)} s after it was ` +
        `restored (${error.message}): replace the disk under state.dir, then start again`,
      { cause: error },
    );
  }
}
