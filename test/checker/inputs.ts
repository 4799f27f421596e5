import type { Mark, Marks } from "./conditions.ts";

/** The workload's input: any stretch of it, the same for the same seed. */

export interface InputRecord {
  readonly key: string;
  /** `<id> <amount> <from> <to> [<mark>]`: the id is unique; `from` and `to` are accounts of the key. */
  readonly value: string;
  readonly timestamp: number;
}

const KEYS = 64;
const AMOUNTS = 1_000;
export const ACCOUNTS = 4;
const FIRST_MS = Date.UTC(2024, 0, 1);
const STEP_MS = 20;
/** One record in so many comes late, some of them too late for their window. */
const LATE_ONE_IN = 16;
const LATE_MS_MAX = 6_000;

/** Records `from`, `from + 1`, … of the input of `seed`: stretches that meet make one stream. */
export function inputs(
  seed: number,
  from: number,
  count: number,
  marks: Marks = () => null,
): InputRecord[] {
  return Array.from({ length: count }, (_, i) => inputAt(seed, from + i, marks(from + i)));
}

function inputAt(seed: number, index: number, mark: Mark | null): InputRecord {
  const chance = draws(seed, index);
  const sender = chance(ACCOUNTS);
  const receiver = (sender + 1 + chance(ACCOUNTS - 1)) % ACCOUNTS;
  const lateness = chance(LATE_ONE_IN) === 0 ? chance(LATE_MS_MAX) : 0;
  return {
    key: `k${chance(KEYS)}`,
    value: `${seed}.${index} ${chance(AMOUNTS)} ${sender} ${receiver}${mark === null ? "" : ` ${mark}`}`,
    timestamp: FIRST_MS + index * STEP_MS - lateness,
  };
}

/** Whole numbers below a bound, from a place of its own for each record (mulberry32). */
function draws(seed: number, index: number): (bound: number) => number {
  let state = Math.imul(seed + 1, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b);
  return (bound) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
