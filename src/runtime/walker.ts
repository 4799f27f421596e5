import { isStateful, sourceNodesOf } from "../model/steps.ts";
import type { Program } from "../model/topology.ts";
import type { TaskState } from "../ports/store.ts";
import type { Ledger, LedgerEntry } from "../tasks/ledger.ts";
import { type Batch, newBatch } from "./batch.ts";
import type { PlannedRows } from "./parking.ts";
import { latestTimestamp } from "./stream-clock.ts";
import { hasRows, type Walked, type WalkLimits, walk } from "./walk.ts";

/**
 * The walks of one task's batches, one at a time. Batches keep their order at every step: a built-in node
 * sees their rows in the order of dispatch, whichever answer came first.
 */
export class Walker {
  /** Whether the next batch is planned only when the last one is final. */
  readonly isStateful: boolean;
  readonly #program: Program;
  readonly #sourceNodes: readonly number[];
  readonly #state: TaskState;
  readonly #ledger: Ledger<Batch>;
  readonly #limits: WalkLimits;

  constructor(program: Program, state: TaskState, ledger: Ledger<Batch>, limits: WalkLimits) {
    this.isStateful = isStateful(program);
    this.#program = program;
    this.#sourceNodes = sourceNodesOf(program);
    this.#state = state;
    this.#ledger = ledger;
    this.#limits = limits;
  }

  batchOf({ taken, rows, parked }: PlannedRows, streamTimeMs: number): Batch {
    const { input } = taken;
    const sourceNode = this.#sourceNodes[input.source] ?? -1;
    const after = latestTimestamp(input, streamTimeMs);
    return newBatch(taken, sourceNode, streamTimeMs, after, { rows, parked });
  }

  /** `entry` is null for a batch that has none yet. */
  walk(batch: Batch, entry: LedgerEntry<Batch> | null): Promise<Walked> {
    const mayTake = (step: number): boolean => this.#mayTake(entry, step);
    return walk(this.#program, this.#state, batch, mayTake, this.#limits);
  }

  /**
   * Whether so many batches are planned and not committed that no other may be. User code with state gets the
   * next only when it has answered the last: its mutations decide what the next one reads (design.md §4).
   */
  isFull(isTrying: boolean, aheadMax: number): boolean {
    const { size, unfinished } = this.#ledger;
    const finals = size - unfinished;
    if (isTrying) return size >= (unfinished > 0 ? 0 : 1 + finals);
    return size >= (unfinished > 0 && this.isStateful ? 0 : aheadMax + finals);
  }

  /** Whether rows of it are left for later steps. */
  hasRows(batch: Batch): boolean {
    return hasRows(batch, this.#program.steps);
  }

  /** The first batch that is between two stages and may go on. */
  next(): LedgerEntry<Batch> | null {
    const found = this.#ledger
      .walking()
      .find((entry) => !this.hasRows(entry.item) || this.#mayTake(entry, entry.item.nextStep));
    return found ?? null;
  }

  /** What ran ahead of batches that stay is kept: they were planned and will be final with it. */
  resetHead(): void {
    this.#state.resetHead();
    for (const { item } of this.#ledger.entries) {
      if (!item.staged) for (const changes of item.changes) this.#state.advance(changes);
    }
  }

  /**
   * Whether the batch before it has been through the step: at a stage it is enough that it waits for its
   * answer. No batch passes another, so the one before it speaks for all.
   */
  #mayTake(entry: LedgerEntry<Batch> | null, step: number): boolean {
    const elder = this.#ledger.elderOf(entry)?.item;
    if (elder === undefined || elder.nextStep > step) return true;
    return elder.nextStep === step && elder.hop !== null;
  }
}
