import type { Clock } from "../ports/clock.ts";

/** Resolves when `work` has ended, however, or after `timeoutMs`. */
export async function within(
  clock: Clock,
  timeoutMs: number,
  work: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(timeoutMs, resolve);
    const done = (): void => {
      cancel();
      resolve();
    };
    work.then(done, done);
  });
}
