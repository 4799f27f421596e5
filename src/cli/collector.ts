import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from "node:v8";

/** V8 takes a code cache where its flags are those that it was written under: those of a start. */
export function asAtStart(write: () => void): void {
  setFlagsFromString("--heap-growing-percent=0");
  setFlagsFromString("--semi-space-growth-factor=2");
  write();
}

/**
 * Both halves of the young generation. More is touched once and kept for good, and what dies young dies in
 * less as well.
 */
const YOUNG_BYTES_MAX = 8 * 1024 * 1024;
/** How much may be promoted, or allocated outside of the heap, before all of it is collected. */
const GARBAGE_BYTES = 28 * 1024 * 1024;
/** Of a heap that has hardly begun. */
const PERCENT_MAX = 1_000;
/** Below, V8's own reckoning is no worse. */
const PERCENT_MIN = 30;
const LOOK_EACH_MS = 100;

/**
 * Batches and frames lie outside of V8's heap, and those that wait for a commit outlive the young
 * generation: by V8's own reckoning, which knows a heap of 25 MB, they had it collected thirteen
 * times a second, for a quarter of the processor time of a copy. So it may grow by a fixed amount
 * of garbage instead of by a factor, whatever the state is that lives in it. V8 reads the percentage
 * at the end of each collection; it is one of the heap alone, while what lies outside of it counts as growth.
 */
export function letHeapGrow(): void {
  let least = Number.POSITIVE_INFINITY;
  const look = (): void => {
    least = leastOf(least, getHeapStatistics().used_heap_size);
    const factor = youngBytes() < YOUNG_BYTES_MAX ? 2 : 1;
    setFlagsFromString(`--heap-growing-percent=${growth(least)}`);
    setFlagsFromString(`--semi-space-growth-factor=${factor}`);
  };
  look();
  setInterval(look, LOOK_EACH_MS).unref();
}

/** In percent of what lives in the heap; 0 leaves it to V8. */
export function growth(liveBytes: number): number {
  const percent = Math.floor((GARBAGE_BYTES / liveBytes) * 100);
  return percent < PERCENT_MIN ? 0 : Math.min(PERCENT_MAX, percent);
}

/** What lives is the least that is seen to be used; where that grows, it is followed, a percent at a time. */
export function leastOf(before: number, usedBytes: number): number {
  return Math.min(usedBytes, before * 1.01);
}

function youngBytes(): number {
  return (
    getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0
  );
}
