import type { Program } from "../model/topology.ts";
import type { Clock } from "../ports/clock.ts";
import type { TaskState } from "../ports/store.ts";
import type { Ledger } from "../tasks/ledger.ts";
import type { Batch } from "./batch.ts";
import { type Clocks, Expiry } from "./expiry.ts";
import { Timers } from "./timers.ts";

/** What a task does without input, between its batches: timers that are due fire, what has expired goes. */
export class Upkeep {
  readonly #expiry: Expiry;
  readonly #timers: Timers;
  readonly #ledger: Ledger<Batch>;
  #isFiring = false;

  constructor(
    program: Program,
    ledger: Ledger<Batch>,
    clock: Pick<Clock, "wallMs" | "after">,
    wake: () => void,
  ) {
    this.#expiry = new Expiry(program);
    this.#timers = new Timers(program, clock, wake);
    this.#ledger = ledger;
  }

  isDueAt(streamTimeMs: number, clocks: Clocks): boolean {
    return this.#canFire(streamTimeMs) || this.#expiry.isDueAt(streamTimeMs, this.#ledger, clocks);
  }

  async find(state: TaskState, streamTimeMs: number, clocks: Clocks): Promise<Batch | null> {
    this.#isFiring = this.#canFire(streamTimeMs);
    if (this.#isFiring) return await this.#timers.find(state, streamTimeMs);
    return await this.#expiry.find(state, streamTimeMs, clocks);
  }

  /** The batch that was found has its place; null where it was not wanted, to be found again. */
  placed(batch: Batch | null): void {
    if (!this.#isFiring) this.#expiry.placed(batch);
    else if (batch === null) this.#timers.again();
  }

  /** A batch is final. */
  used(batch: Batch): void {
    this.#expiry.used(batch);
    this.#timers.staged(batch);
  }

  committed(): void {
    this.#expiry.committed(this.#ledger);
  }

  close(): void {
    this.#timers.close();
  }

  /** A batch that is under way may cancel what is due. */
  #canFire(streamTimeMs: number): boolean {
    return this.#ledger.unfinished === 0 && this.#timers.isDue(streamTimeMs);
  }
}
