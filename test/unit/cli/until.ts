import { setTimeout as pause } from "node:timers/promises";

const DEADLINE_MS = 10_000;

/** Waits for a condition on another process; fails when it never holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never held: ${condition.toString()}`);
    await pause(5);
  }
}
