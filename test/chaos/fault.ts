import type { Mark, Marks } from "../checker/conditions.ts";
import type { Arena } from "./arena.ts";

/** One kind of trouble. It does its worst and returns; the rig waits, and judges. */
export interface Fault {
  /** What happens, in a sentence. */
  readonly does: string;
  /** Rejects where it could not do what it is there for. */
  readonly run: (arena: Arena) => Promise<void>;
  /** How long the outputs may stand still afterwards; 30 s by default. */
  readonly livenessMs?: number;
  /** Server properties of a broker of its own. */
  readonly broker?: Readonly<Record<string, string>>;
  /** Some records of the input are bad; the sidecars have what they need for it. */
  readonly bad?: BadRecords;
  /** Records go on behind a repartition, too. */
  readonly regroups?: boolean;
  /** The sidecar must refuse to go on: the outputs until then are judged, the state is not. */
  readonly endsStopped?: boolean;
}

/** `count` records among the first, one in `oneIn`, with these marks in turn. */
export interface BadRecords {
  readonly marks: readonly Mark[];
  readonly count: number;
  readonly oneIn: number;
}

/** Where the first of them may stand. */
const GOOD_FIRST = 100;

export function marksOf({ marks, count, oneIn }: BadRecords, seed: number): Marks {
  const first = GOOD_FIRST + (seed % oneIn);
  return (index) => {
    const nth = (index - first) / oneIn;
    if (!Number.isInteger(nth) || nth < 0 || nth >= count) return null;
    return marks[nth % marks.length] ?? null;
  };
}

/** Sessions of 6 s, so that a run need not wait for 45. */
export const SHORT_SESSIONS = {
  "group.consumer.session.timeout.ms": "6000",
  "group.consumer.min.session.timeout.ms": "6000",
  "group.consumer.heartbeat.interval.ms": "2000",
  "group.consumer.min.heartbeat.interval.ms": "2000",
};

export type Faults = Readonly<Record<string, Fault>>;

/** Thrown where this machine cannot have the fault: said as NOT PROVED, with the reason. */
export class Unproved extends Error {}
