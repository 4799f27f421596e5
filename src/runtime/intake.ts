import type { FetchedChunk } from "../ports/consumer.ts";
import type { Failures } from "./failures.ts";
import { InputQueue, NOTHING_TAKEN, type Taken } from "./input-queue.ts";
import type { RunnerLimits } from "./task-host.ts";

/** The input of one task, and how much of it the next batch takes. */
export class Intake {
  readonly #queue: InputQueue;
  readonly #limits: RunnerLimits;
  readonly #throttled: (isFull: boolean) => void;
  #isFull = false;
  /** Rows that the next batch may hold: fewer after a failure or an oversized frame. */
  #rowsMax: number;
  /** The source that the next batch is of, where that is known. */
  #tried: number | null = null;

  /**
   * `firsts` says of each source whether its rows go before others. `throttled` is told when the buffer is
   * full, and when it has room again.
   */
  constructor(
    firsts: readonly boolean[],
    partition: number,
    limits: RunnerLimits,
    throttled: (isFull: boolean) => void,
  ) {
    this.#queue = new InputQueue(firsts, partition);
    this.#limits = limits;
    this.#throttled = throttled;
    this.#rowsMax = limits.batchRecordsMax;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  push(source: number, chunk: FetchedChunk): void {
    this.#queue.push(source, chunk);
    this.#throttle();
  }

  rowsMax(failures: Failures): number {
    return Math.min(this.#rowsMax, failures.rowsMax);
  }

  take(failures: Failures): Taken | null {
    const { batchBytesMax } = this.#limits;
    const tried = this.#tried ?? failures.source;
    const taken = this.#queue.take(this.rowsMax(failures), batchBytesMax, failures.trial, tried);
    this.#throttle();
    return taken;
  }

  /** The next batch holds so many rows, at least one, and is of the same source. */
  bind(rowsMax: number, { input }: Taken): void {
    this.#rowsMax = Math.max(1, rowsMax);
    this.#tried = input.source;
  }

  /** That batch is final. */
  unbind(taken: Taken): void {
    if (taken === NOTHING_TAKEN) return;
    this.#rowsMax = this.#limits.batchRecordsMax;
    this.#tried = null;
  }

  /** Half the rows, so that a few steps find a batch that fits. */
  halve(taken: Taken): void {
    this.bind(Math.floor((taken.input.to - taken.input.from) / 2), taken);
  }

  /** What had been parked is in its store still, and is read there again. */
  putBack(taken: readonly Taken[]): void {
    this.#queue.putBack(taken.filter(({ released }) => released === undefined));
    this.#throttle();
  }

  clear(): void {
    this.#queue.clear();
  }

  #throttle(): void {
    const { inputBytesMax } = this.#limits;
    const { bytes } = this.#queue;
    const isFull = this.#isFull ? bytes > inputBytesMax / 2 : bytes >= inputBytesMax;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#throttled(isFull);
  }
}
