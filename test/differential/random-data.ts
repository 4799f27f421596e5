import type { InputSpec } from "./topology.ts";

/** Numbers that a seed decides: mulberry32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Below `bound`, whole. */
  next(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  one<T>(of: readonly T[]): T {
    return of[this.next(of.length)] as T;
  }

  /** True `percent` times in a hundred. */
  chance(percent: number): boolean {
    return this.next(100) < percent;
  }
}

const KEYS = ["a", "b", "c", "aa", "ä", "", "𝄞"];
const VALUES = ["apple", "even", "x", "", "two words", "a b a", "ß", "éé", "13"];
const HEADERS = [
  ["h", "1"],
  ["h", null],
  ["g", ""],
  ["ü", "ü"],
] as const;

/**
 * Mostly in order; some early, some late, some at the same time; null keys, tombstones, headers. What has a
 * null in it is never ahead of all others: see D-2 in docs/differences.md.
 */
export function randomData(
  seed: number,
  count: number,
  topics: readonly string[] = ["in"],
): InputSpec[] {
  const dice = new Dice(seed);
  let time = dice.next(2_000);
  let latest = 0;
  return Array.from({ length: count }, () => {
    time += dice.one([0, 0, 1, 50, 300, 900]);
    const headers = HEADERS.filter(() => dice.chance(10));
    const key = dice.chance(5) ? null : dice.one(KEYS);
    const value = dice.chance(10) ? null : dice.one(VALUES);
    const early = dice.chance(25) ? time - dice.next(3_000) : time;
    const at = Math.max(0, key === null || value === null ? Math.min(early, latest) : early);
    latest = Math.max(latest, at);
    return { topic: dice.one(topics), key, value, at, headers };
  });
}
