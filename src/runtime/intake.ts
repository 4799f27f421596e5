import type { FetchedChunk } from "../ports/consumer.ts";
import type { Failures } from "./failures.ts";
import { InputQueue, type Taken } from "./input-queue.ts";
import type { RunnerLimits } from "./task-host.ts";

/** The input of one task, and how much of it the next batch takes. */
export class Intake {
  readonly #queue: InputQueue;
  readonly #limits: RunnerLimits;
  readonly #throttled: (isFull: boolean) => void;
  #isFull = false;
  /** Rows that the next batch may hold: fewer after a failure or an oversized frame. */
  #rowsMax: number;

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
    const taken = this.#queue.take(this.rowsMax(failures), batchBytesMax, failures.trial);
    this.#throttle();
    return taken;
  }

  /** The next batches hold so many rows, at least one, until `unbind`. */
  bind(rowsMax: number): void {
    this.#rowsMax = Math.max(1, rowsMax);
  }

  unbind(): void {
    this.#rowsMax = this.#limits.batchRecordsMax;
  }

  /** Half the rows, so that a few steps find a batch that fits. */
  halve({ input }: Taken): void {
    this.bind(Math.floor((input.to - input.from) / 2));
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
