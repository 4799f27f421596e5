import type { Random } from "../random.ts";

/** What the model of Kafka needs of a world: virtual in the simulator, real in the contract tests. */
export interface Scheduler {
  nowMs(): number;
  after(ms: number, run: () => void): void;
  readonly random: Random;
}
