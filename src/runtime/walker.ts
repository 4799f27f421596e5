import { isStateful, sourceNodesOf } from "../model/steps.ts";
import type { TimerNode } from "../model/timers.ts";
import type { Program } from "../model/topology.ts";
import type { TaskState } from "../ports/store.ts";
import type { Ledger, LedgerEntry } from "../tasks/ledger.ts";
import { type Batch, forgetInput, newBatch } from "./batch.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { readFired } from "./fired-rows.ts";
import { lettersOfLate } from "./giving-up.ts";
import type { HeldBack } from "./held-back.ts";
import { LateRows } from "./late-rows.ts";
import { OwnTimes } from "./own-times.ts";
import type { PlannedRows } from "./parking.ts";
import { latestTimestamp } from "./stream-clock.ts";
import type { TaskRunner } from "./task-runner.ts";
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
  /** By source. */
  readonly #timers: readonly (TimerNode | null)[];
  readonly #state: TaskState;
  readonly #ledger: Ledger<Batch>;
  readonly #limits: WalkLimits;
  readonly #hasOwnTimes: boolean;
  readonly #cutTimes: ReadonlyMap<number, number>;
  readonly #heldBack: HeldBack;

  /** Dead letters of what was late; null where none is wanted. */
  readonly #lettersOf: ((batch: Batch, late: LateRows) => DeadLetter[]) | null;

  constructor(runner: TaskRunner) {
    const { program, state, ledger, limits, cutTimes, cutStreamTimeMs } = runner;
    this.isStateful = isStateful(program);
    this.#program = program;
    this.#sourceNodes = sourceNodesOf(program);
    this.#timers = program.sources.map((name) => {
      return program.timers?.find(({ topic }) => topic === name) ?? null;
    });
    this.#state = state;
    this.#ledger = ledger;
    this.#limits = { stateBytesMax: limits.frameBytesMax / 2, startedAtMs: cutStreamTimeMs };
    this.#hasOwnTimes = program.stores.some(({ ownTime }) => ownTime === true);
    this.#cutTimes = cutTimes;
    this.#heldBack = runner.heldBack;
    const { deadLetterTopic, lettersForLate } = limits.failures;
    this.#lettersOf =
      lettersForLate && deadLetterTopic !== null
        ? ({ taken }, { rows }) => lettersOfLate(runner, taken, rows)
        : null;
  }

  /**
   * Stream time of a store behind the batches before this one, or behind all; null where it is the task's.
   */
  timeOf(store: number, until: Batch | null): number | null {
    if (this.#program.stores[store]?.ownTime !== true) return null;
    let time = this.#cutTimes.get(store) ?? Number.NEGATIVE_INFINITY;
    for (const { item } of this.#ledger.entries) {
      if (item === until) break;
      time = item.ownTimes?.after.get(store) ?? time;
    }
    return time;
  }

  batchOf({ taken, rows, parked }: PlannedRows, streamTimeMs: number): Batch {
    const { input } = taken;
    const sourceNode = this.#sourceNodes[input.source] ?? -1;
    const fired = this.timersOf(input.source);
    // A timer of the wall clock says nothing of the time of records.
    const after = fired === null ? latestTimestamp(input, streamTimeMs) : streamTimeMs;
    return newBatch(taken, sourceNode, streamTimeMs, after, { rows, fired, parked });
  }

  /** The node whose timers the rows of a source are; null where they are records. */
  timersOf(source: number): TimerNode | null {
    return this.#timers[source] ?? null;
  }

  /** `entry` is null for a batch that has none yet. */
  async walk(batch: Batch, entry: LedgerEntry<Batch> | null): Promise<Walked> {
    if (batch.fired !== null) {
      const read = await readFired(batch.fired, this.#state, batch);
      if ("rowsMax" in read) return read;
      batch.fired = null;
      batch.rows = read.rows;
      batch.dropped += read.dropped;
      if (read.changes !== null) batch.changes.push(read.changes);
    }
    const mayTake = (step: number): boolean => this.#mayTake(entry, step);
    if (this.#hasOwnTimes) {
      batch.ownTimes ??= new OwnTimes((store) => this.timeOf(store, batch) ?? 0);
    }
    if (this.#lettersOf === null) {
      return await walk(this.#program, this.#state, batch, mayTake, this.#limits);
    }
    const late = new LateRows();
    batch.late = late;
    const walked = await walk(this.#program, this.#state, batch, mayTake, this.#limits);
    if (late.rows.length > 0) batch.letters = [...batch.letters, ...this.#lettersOf(batch, late)];
    return walked;
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

  /** In order and only as a prefix: the overlay must never hold a later batch without an earlier. */
  stageFinal(): void {
    for (const { item } of this.#ledger.finalPrefix()) {
      if (item.staged || item.outcome === null) continue;
      for (const changes of item.outcome.changes) {
        this.#state.stage(changes);
        this.#heldBack.staged(changes);
      }
      item.staged = true;
      // The state has its own.
      item.changes = [];
      item.outcome.changes = [];
      forgetInput(item);
    }
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
