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
  /** The sidecar must refuse to go on: the outputs until then are judged, the state is not. */
  readonly endsStopped?: boolean;
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
