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

/**
 * Resolves when `holds`, which is looked at now and at each call of what `watch` is given, or after
 * `timeoutMs`.
 */
export async function until(
  clock: Clock,
  timeoutMs: number,
  holds: () => boolean,
  watch: (look: (() => void) | null) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(timeoutMs, resolve);
    const look = (): void => {
      if (!holds()) return;
      cancel();
      resolve();
    };
    watch(look);
    look();
  });
  watch(null);
}
